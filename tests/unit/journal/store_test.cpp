#include "journal/store.hpp"

#include "base/limits.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

namespace meridian::journal {
namespace {

using namespace std::chrono_literals;

const base::WallTime kNow = *base::parse_utc("2026-11-27T03:00:00Z");
const AuditRow kAudit{.at = kNow, .who = "alice", .action = "drain", .target = "ams", .result = "done"};
const OverrideRow kDrain{
    .kind = "drain", .target = "ams", .share_percent = 100, .created_at = kNow, .begins_at = kNow};

std::vector<ChangeRow> changes(std::size_t count, base::WallTime at) {
  std::vector<ChangeRow> rows;
  for (std::size_t i = 0; i < count; ++i)
    rows.push_back({{"www.example.com", "ams", "192.0.2.10"}, "http", "up", "down", std::to_string(i), at});
  return rows;
}

Store memory_store() { return std::move(Store::open(":memory:", kNow).value().store); }

bool yes() { return true; }

}  // namespace

TEST_SUITE("journal/store") {
  TEST_CASE("what is older than the history goes goes with the next cut") {
    auto store = memory_store();
    const auto age = std::chrono::days{base::limits::kJournalHistoryDays};
    REQUIRE(store.write_changes(changes(10, kNow - age - 1s), kNow).has_value());
    REQUIRE(store.write_changes(changes(10, kNow - age + 1s), kNow).has_value());
    CHECK(store.history({.limit = 100}).value().size() == 20);
    REQUIRE(store.write_changes(changes(base::limits::kJournalCutRows, kNow), kNow).has_value());
    CHECK(store.history({.limit = 10'000}).value().size() == base::limits::kJournalCutRows + 10);
  }

  TEST_CASE("the history has a limit of rows, and the newest stay") {
    auto store = memory_store();
    const auto more = base::limits::kJournalHistoryRowsMax + base::limits::kJournalCutRows;
    REQUIRE(store.write_changes(changes(more, kNow), kNow).has_value());
    const auto newest = store.history({.limit = 1}).value();
    REQUIRE(newest.size() == 1);
    CHECK(newest[0].cause == std::to_string(more - 1));
    CHECK(store.history({.since = kNow, .limit = more}).value().size() == base::limits::kJournalRowsRead);
  }

  TEST_CASE("an override that nobody waits for any more is not written, nor its audit line") {
    auto store = memory_store();
    CHECK_FALSE(store.change_overrides({}, kDrain, kAudit, [] { return false; }).has_value());
    CHECK(store.overrides().value().empty());
    CHECK(store.audit(10).value().empty());
    CHECK(store.change_overrides({}, kDrain, kAudit, &yes).has_value());
    CHECK(store.overrides().value().size() == 1);
  }

  TEST_CASE("an id is never given twice, also when the last override has ended") {
    auto store = memory_store();
    const auto first = store.change_overrides({}, kDrain, kAudit, &yes).value();
    const std::vector<std::int64_t> ended{first};
    const auto second = store.change_overrides(ended, kDrain, kAudit, &yes).value();
    REQUIRE(store.change_overrides(std::vector{second}, std::nullopt, kAudit, &yes).value() == 0);
    const auto third = store.change_overrides({}, kDrain, kAudit, &yes).value();
    CHECK(first < second);
    CHECK(second < third);
    CHECK(store.overrides().value().size() == 1);
  }

  TEST_CASE("an override keeps its share, and one without an end has none") {
    auto store = memory_store();
    OverrideRow shed = kDrain;
    shed.kind = "shed";
    shed.share_percent = 33.333;
    shed.ends_at = kNow + 1h;
    REQUIRE(store.change_overrides({}, kDrain, kAudit, &yes).has_value());
    REQUIRE(store.change_overrides({}, shed, kAudit, &yes).has_value());
    const auto rows = store.overrides().value();
    REQUIRE(rows.size() == 2);
    CHECK_FALSE(rows[0].ends_at.has_value());
    CHECK(rows[1].share_percent == 33.333);
    CHECK(rows[1].ends_at == kNow + 1h);
  }
}

}  // namespace meridian::journal

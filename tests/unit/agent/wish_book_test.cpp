#include "bgp/agent/wish_book.hpp"

#include "support/manual_clock.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace meridian::agent {
namespace {

using namespace std::chrono_literals;
using policy::WishKind;

struct Fixture {
  explicit Fixture(std::string path) : folder(std::move(path)) { open(); }
  Fixture() : Fixture("") {}

  void open() {
    book.reset();
    journal.reset();
    told.clear();
    journal.emplace(folder, clock, counters.register_block());
    book.emplace(*journal, clock);
    book->set_on_change([this](const std::optional<std::string>& vip, const StandingWish* wish) {
      told.push_back(vip.value_or("all") + ": " + std::string{wish ? to_string(wish->kind) : "nothing"});
    });
    book->load();
  }

  WishOutcome set(std::optional<std::string> vip, WishKind kind, std::optional<base::WallTime> until = {},
                  ClientRates rates = {}) {
    const auto outcome = book->set({.vip = std::move(vip),
                                    .kind = kind,
                                    .reason = "why",
                                    .who = "alice",
                                    .until = until,
                                    .rates_now = rates});
    REQUIRE(outcome);
    return *outcome;
  }

  std::vector<std::string> actions() {
    std::vector<std::string> lines;
    const auto rows = journal->audit(100);
    REQUIRE(rows);
    for (const auto& row : *rows) lines.push_back(row.action + " " + row.target + " by " + row.who);
    return lines;
  }

  test::ManualClock clock;
  stats::CounterRegistry counters;
  std::string folder;
  std::vector<std::string> told;
  std::optional<journal::Journal> journal;
  std::optional<WishBook> book;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_SUITE("agent/wish_book") {
  TEST_CASE("a wish of a VIP goes before the one of all, and either is told") {
    Fixture fixture;
    fixture.set(std::nullopt, WishKind::Drain);
    fixture.set("ns1", WishKind::Announce);
    CHECK(fixture.told == Lines{"all: drain", "ns1: announce"});
    REQUIRE(fixture.book->find("ns1") != nullptr);
    CHECK(fixture.book->find("ns1")->kind == WishKind::Announce);
    CHECK(fixture.book->find("ns2")->kind == WishKind::Drain);
    CHECK(fixture.actions() == Lines{"announce ns1 by alice", "drain * by alice"});
  }

  TEST_CASE("one of all VIPs replaces those of one") {
    Fixture fixture;
    fixture.set("ns1", WishKind::Announce);
    CHECK(fixture.set(std::nullopt, WishKind::Withdraw).ended == 1);
    CHECK(fixture.told == Lines{"ns1: announce", "ns1: nothing", "all: withdraw"});
    CHECK(fixture.book->all().size() == 1);
    CHECK(fixture.book->find("ns1")->kind == WishKind::Withdraw);
  }

  TEST_CASE("what stands outlives the journal's process, and what was ended does not") {
    const test::TemporaryFolder folder;
    Fixture fixture(folder.path());
    fixture.set("ns1", WishKind::Withdraw, fixture.clock.wall() + 1h);
    fixture.set("ns2", WishKind::Drain);
    REQUIRE(fixture.book->end("ns2", "bob", "over"));
    fixture.open();
    CHECK(fixture.told == Lines{"ns1: withdraw"});
    REQUIRE(fixture.book->all().size() == 1);
    const auto& wish = fixture.book->all().front();
    CHECK(wish.reason == "why");
    CHECK(wish.who == "alice");
    CHECK(wish.id != 0);
    CHECK(wish.until == fixture.clock.wall() + 1h);
    CHECK(fixture.actions().front() == "undrain ns2 by bob");
  }

  TEST_CASE("a wish ends when its time is over, also while no agent runs") {
    const test::TemporaryFolder folder;
    Fixture fixture(folder.path());
    fixture.set("ns1", WishKind::Withdraw, fixture.clock.wall() + 10s);
    fixture.set("ns2", WishKind::Withdraw, fixture.clock.wall() + 20s);
    CHECK(fixture.book->next_end() == fixture.clock.wall() + 10s);
    fixture.clock.pass(9s);
    fixture.book->end_due();
    CHECK(fixture.book->all().size() == 2);
    fixture.clock.pass(1s);
    fixture.book->end_due();
    CHECK(fixture.told.back() == "ns1: nothing");
    CHECK(fixture.book->all().size() == 1);
    fixture.clock.pass(1h);
    fixture.open();
    CHECK(fixture.book->all().empty());
    CHECK(fixture.told == Lines{"ns2: withdraw", "ns2: nothing"});
    CHECK(fixture.actions().front() == "expire ns2 by the clock");
    CHECK_FALSE(fixture.book->next_end());
  }

  TEST_CASE("a drain that replaces one goes on with it") {
    Fixture fixture;
    const auto begin = fixture.clock.wall();
    fixture.set("ns1", WishKind::Drain, {}, {.server = 500.0, .vips = {{"ns1", 200.0}}});
    fixture.clock.pass(1min);
    fixture.set("ns1", WishKind::Drain, {}, {.server = 3.0, .vips = {{"ns1", 1.0}}});
    CHECK(fixture.book->all().front().since == begin);
    CHECK(fixture.book->all().front().rates_before.server == 500.0);
    CHECK(fixture.book->all().front().rates_before.vips.at("ns1") == 200.0);
    CHECK(fixture.book->all().front().set_at == begin + 1min);
    fixture.set("ns1", WishKind::Withdraw);
    CHECK(fixture.book->all().front().since == begin + 1min);
    fixture.clock.pass(1min);
    fixture.set("ns1", WishKind::Drain, {}, {.server = 7.0, .vips = {}});
    CHECK(fixture.book->all().front().since == begin + 2min);
    CHECK(fixture.book->all().front().rates_before.server == 7.0);
  }

  TEST_CASE("an order needs a reason, and an end within reach") {
    Fixture fixture;
    const auto fault = [&](std::string reason, std::optional<base::WallTime> until) {
      const auto outcome = fixture.book->set({.vip = "ns1",
                                              .kind = WishKind::Drain,
                                              .reason = std::move(reason),
                                              .who = "alice",
                                              .until = until});
      return outcome ? "" : outcome.error();
    };
    CHECK(fault("", {}) == "it needs a reason; whoever is called at night will look for one");
    CHECK(fault("two\nlines", {}) == "a reason is one line of at most 200 bytes of UTF-8");
    CHECK(fault("x", fixture.clock.wall()) == "it would end before it begins");
    CHECK(fault("x", fixture.clock.wall() + std::chrono::hours{24 * 31}) ==
          "it may last at most 30 days; who wants longer changes the site file");
    CHECK(fixture.book->all().empty());
    CHECK(fixture.told.empty());
  }

  TEST_CASE("what stands of all VIPs is not ended for one") {
    Fixture fixture;
    fixture.set(std::nullopt, WishKind::Drain);
    const auto ended = fixture.book->end("ns1", "bob", "");
    REQUIRE_FALSE(ended);
    CHECK(ended.error() ==
          "'ns1' has no wish of its own; the drain of all VIPs holds, which undrain without a VIP ends");
    fixture.set("ns1", WishKind::Announce);
    CHECK(fixture.book->end("ns1", "bob", "")->ended == 1);
    fixture.set("ns1", WishKind::Announce);
    CHECK(fixture.book->end(std::nullopt, "bob", "")->ended == 2);
    CHECK(fixture.book->end(std::nullopt, "bob", "")->ended == 0);
  }

  TEST_CASE("without a journal a wish holds, and it is said that it is not written") {
    Fixture fixture("/proc/nowhere");
    const auto outcome = fixture.set("ns1", WishKind::Withdraw);
    CHECK(outcome.not_written.starts_with("the journal /proc/nowhere/journal.sqlite is off: "));
    CHECK(fixture.told == Lines{"ns1: withdraw"});
    CHECK(fixture.book->find("ns1")->id == 0);
    CHECK_FALSE(fixture.book->end("ns1", "bob", "")->not_written.empty());
    CHECK(fixture.book->all().empty());
  }

  TEST_CASE("rows that a hand has written and that make no sense are left alone") {
    const test::TemporaryFolder folder;
    Fixture fixture(folder.path());
    REQUIRE(fixture.journal->change_overrides(
        {}, journal::OverrideRow{.kind = "shed", .target = "ns1", .reason = "x", .author = "hand"}, {}));
    REQUIRE(fixture.journal->change_overrides(
        {}, journal::OverrideRow{.kind = "drain", .target = "", .reason = "x", .author = "hand"}, {}));
    fixture.open();
    CHECK(fixture.book->all().empty());
    CHECK(fixture.told.empty());
  }
}

}  // namespace meridian::agent

#include "journal/journal.hpp"

#include "base/limits.hpp"
#include "support/manual_clock.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace meridian::journal {
namespace {

namespace fs = std::filesystem;
using stats::Counter;

struct Fixture {
  [[nodiscard]] std::string state() const { return folder.path() + "/state"; }
  [[nodiscard]] std::string file() const { return state() + "/journal.sqlite"; }
  [[nodiscard]] std::unique_ptr<Journal> open() { return std::make_unique<Journal>(state(), clock, block); }
  [[nodiscard]] std::uint64_t count(Counter counter) const { return counters.total(counter); }

  [[nodiscard]] ChangeRow change(const std::string& to, const std::string& cause) const {
    return {{"www.example.com", "ams", "192.0.2.10"}, "http", "unknown", to, cause, clock.wall()};
  }
  [[nodiscard]] OverrideRow drain(const std::string& target) const {
    return {.kind = "drain",
            .target = target,
            .share_percent = 100,
            .reason = "CHG-7",
            .author = "alice",
            .created_at = clock.wall(),
            .begins_at = clock.wall(),
            .ends_at = clock.wall() + std::chrono::hours{2}};
  }
  [[nodiscard]] AuditRow audit(const std::string& action) const {
    return {.at = clock.wall(),
            .who = "alice",
            .action = action,
            .target = "ams",
            .reason = "CHG-7",
            .result = "done"};
  }

  test::TemporaryFolder folder;
  test::ManualClock clock;
  stats::CounterRegistry counters;
  stats::Counters& block = counters.register_block();
};

std::vector<std::string> damaged_files(const std::string& folder) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().find(".damaged-") != std::string::npos)
      found.push_back(entry.path().filename().string());
  }
  return found;
}

}  // namespace

TEST_SUITE("journal/journal") {
  TEST_CASE("what is written is there when it is opened again") {
    Fixture fixture;
    std::int64_t id = 0;
    {
      const auto journal = fixture.open();
      CHECK(journal->status().place == Place::File);
      CHECK(journal->record(fixture.change("down", "connect: refused")));
      id = journal->change_overrides({}, fixture.drain("ams"), fixture.audit("drain")).value();
      CHECK(id > 0);
    }
    const auto journal = fixture.open();
    const auto states = journal->states().value();
    REQUIRE(states.size() == 1);
    CHECK(states[0].endpoint.address == "192.0.2.10");
    CHECK(states[0].check == "http");
    CHECK(states[0].state == "down");
    CHECK(states[0].cause == "connect: refused");
    CHECK(states[0].since == fixture.clock.wall());
    const auto overrides = journal->overrides().value();
    REQUIRE(overrides.size() == 1);
    CHECK(overrides[0].id == id);
    CHECK(overrides[0].target == "ams");
    CHECK(overrides[0].ends_at == fixture.clock.wall() + std::chrono::hours{2});
    const auto audit = journal->audit(10).value();
    REQUIRE(audit.size() == 1);
    CHECK(audit[0].who == "alice");
    CHECK(audit[0].action == "drain");
    CHECK(fixture.count(Counter::JournalRows) == 4);
    CHECK(fixture.count(Counter::JournalErrors) == 0);
  }

  TEST_CASE("a state is the last one, and the history has them all, newest first") {
    Fixture fixture;
    const auto journal = fixture.open();
    journal->record(fixture.change("up", ""));
    fixture.clock.pass(std::chrono::seconds{5});
    journal->record(fixture.change("down", "timeout"));
    journal->flush();
    REQUIRE(journal->states().value().size() == 1);
    CHECK(journal->states().value()[0].state == "down");
    for (const auto* const name : {"", "www.example.com", "www.example.com@ams", "192.0.2.10"}) {
      CAPTURE(name);
      const auto history = journal->history({.name = name}).value();
      REQUIRE(history.size() == 2);
      CHECK(history[0].to == "down");
      CHECK(history[1].to == "up");
    }
    for (const auto* const name : {"www.example.org", "www.example.com@iad", "192.0.2.1"})
      CHECK(journal->history({.name = name}).value().empty());
    CHECK(journal->history({.since = fixture.clock.wall()}).value().size() == 1);
    CHECK(journal->history({.limit = 1}).value().size() == 1);
  }

  TEST_CASE("a damaged file is moved aside and never deleted, and a new one begun") {
    Fixture fixture;
    fs::create_directories(fixture.state());
    std::ofstream(fixture.file()) << std::string(8'192, 'x');
    for (std::uint64_t round = 1; round <= 2; ++round) {
      {
        const auto journal = fixture.open();
        CHECK(journal->status().place == Place::File);
        CHECK(journal->change_overrides({}, fixture.drain("ams"), fixture.audit("drain")).has_value());
      }
      // At the same second as the first: the second has a name of its own.
      CHECK(damaged_files(fixture.state()).size() == round);
      CHECK(fixture.count(Counter::JournalCorrupt) == round);
      std::ofstream(fixture.file(), std::ios::in | std::ios::out) << std::string(100, 'y');
    }
  }

  TEST_CASE("a page that was overwritten is noticed when the file is opened") {
    Fixture fixture;
    {
      const auto journal = fixture.open();
      for (int i = 0; i < 200; ++i) journal->record(fixture.change("up", "round " + std::to_string(i)));
    }
    const auto size = fs::file_size(fixture.file());
    REQUIRE(size > 20'000);
    {
      std::fstream file(fixture.file(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(size - 4'096));
      file << std::string(4'096, '\x5a');
    }
    const auto journal = fixture.open();
    CHECK(fixture.count(Counter::JournalCorrupt) == 1);
    CHECK(damaged_files(fixture.state()).size() == 1);
    CHECK(journal->history({}).value().empty());
  }

  TEST_CASE("without a folder everything works, and ends with the process") {
    Fixture fixture;
    Journal journal("", fixture.clock, fixture.block);
    CHECK(journal.status().place == Place::Memory);
    journal.record(fixture.change("down", ""));
    journal.flush();
    CHECK(journal.change_overrides({}, fixture.drain("ams"), fixture.audit("drain")).has_value());
    CHECK(journal.states().value().size() == 1);
    CHECK(journal.audit(10).value().size() == 1);
  }

  TEST_CASE("a folder that cannot be used switches it off, says why, and drops with a count") {
    Fixture fixture;
    std::ofstream(fixture.folder.path() + "/state") << "a file";
    const auto journal = fixture.open();
    CHECK(journal->status().place == Place::Off);
    CHECK(journal->status().error == "unable to open database file");
    CHECK_FALSE(journal->record(fixture.change("down", "")));
    const auto refused = journal->change_overrides({}, fixture.drain("ams"), fixture.audit("drain"));
    CHECK(refused.error() == "the journal " + fixture.file() + " is off: unable to open database file");
    CHECK(fixture.count(Counter::JournalErrors) == 1);
    journal->flush();
  }

  TEST_CASE("more changes than may wait are dropped and counted, and none of the others is lost") {
    Fixture fixture;
    std::uint64_t taken = 0;
    const std::uint64_t sent = base::limits::kJournalQueueMax * 2;
    {
      const auto journal = fixture.open();
      for (std::uint64_t i = 0; i < sent; ++i) taken += journal->record(fixture.change("up", "")) ? 1u : 0u;
    }
    CHECK(taken >= base::limits::kJournalQueueMax);
    CHECK(fixture.count(Counter::JournalRows) == 2 * taken);
    CHECK(fixture.count(Counter::JournalDropped) == sent - taken);
  }

  TEST_CASE("two journals may have one file open, as a server and its successor do") {
    Fixture fixture;
    const auto first = fixture.open();
    const auto second = fixture.open();
    CHECK(first->change_overrides({}, fixture.drain("ams"), fixture.audit("drain")).has_value());
    REQUIRE(second->overrides().value().size() == 1);
    const auto id = second->overrides().value()[0].id;
    CHECK(second->change_overrides({id}, std::nullopt, fixture.audit("end")).value() == 0);
    CHECK(first->overrides().value().empty());
    CHECK(first->audit(10).value().size() == 2);
  }
}

}  // namespace meridian::journal

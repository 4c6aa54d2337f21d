#include "bgp/agent/state_folder.hpp"

#include "unit/agent/agent_support.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

namespace meridian::agent {
namespace {

using namespace std::chrono_literals;
using policy::Level;
using policy::Reason;

const base::MonotonicTime kNow{100h};

SavedState example() {
  policy::RouteHistory history;
  history.level = Level::DePreference;
  history.reason = Reason::WrongAnswers;
  history.since = kNow - 5min;
  history.hold_down = policy::HoldDown(120s, kNow - 5min);
  history.changes = policy::ChangeLimit({kNow - 9min, kNow - 5min});
  return {.vips = {{.name = "a",
                    .address = *base::parse_ip_address("198.51.100.53"),
                    .prefix = *base::parse_ip_prefix("198.51.100.0/24"),
                    .history = history}},
          .zones = {*dns::Name::parse("example.com"), *dns::Name::parse("a\\.b.example.")}};
}

}  // namespace

TEST_SUITE("agent/state_folder") {
  TEST_CASE("what was written is read again, with its past") {
    const auto again = parse_state(format_state(example(), "boot"), "boot");
    REQUIRE(again);
    REQUIRE(*again);
    REQUIRE((*again)->vips.size() == 1);
    const auto& vip = (*again)->vips.front();
    CHECK(vip.name == "a");
    CHECK(base::to_string(vip.address) == "198.51.100.53");
    CHECK(base::to_string(vip.prefix) == "198.51.100.0/24");
    CHECK(vip.history.level == Level::DePreference);
    CHECK(vip.history.reason == Reason::WrongAnswers);
    CHECK(vip.history.since == kNow - 5min);
    CHECK(vip.history.hold_down.length() == 120s);
    CHECK(vip.history.hold_down.fell_at() == kNow - 5min);
    CHECK(vip.history.changes.recent(kNow) == 2);
    CHECK(vip.history.changes.recent(kNow + 2min) == 1);
    CHECK((*again)->zones == example().zones);
  }

  TEST_CASE("the state of another boot is none, and one that is broken says why") {
    const auto other = parse_state(format_state(example(), "boot"), "another");
    REQUIRE(other);
    CHECK(!*other);
    for (const auto* const text : {"", "{}", "[]", R"({"version":1})", R"({"version":2,"boot_id":"boot"})",
                                   R"({"version":1,"boot_id":"boot","vips":[{}],"zones":[]})"}) {
      CAPTURE(text);
      const auto broken = parse_state(text, "boot");
      REQUIRE(!broken);
      CHECK(!broken.error().empty());
    }
    auto text = format_state(example(), "boot");
    text.replace(text.find("de-preference"), 13, "half-way-down");
    const auto unknown = parse_state(text, "boot");
    REQUIRE(!unknown);
    CHECK(unknown.error() == "'half-way-down' is no word of ours");
  }

  TEST_CASE("how long ago the last agent lived is told by its last beat, whenever it last wrote") {
    const test::TemporaryFolder folder;
    {
      const auto first = StateFolder::open(folder.path() + "/state");
      REQUIRE(first);
      const auto found = first->find(kNow);
      CHECK(found.state.vips.empty());
      CHECK(!found.age);
      CHECK(found.fault.empty());
      REQUIRE(first->save(example()));
      REQUIRE(first->beat(kNow));
      REQUIRE(first->beat(kNow + 1h));
    }
    const auto second = StateFolder::open(folder.path() + "/state");
    REQUIRE(second);
    const auto found = second->find(kNow + 1h + 700ms);
    CHECK(found.state.vips.size() == 1);
    CHECK(found.age == 700ms);
    // A clock before the last beat's is of nobody that one could follow.
    CHECK(!second->find(kNow).age);
  }

  TEST_CASE("of one folder there is one agent at a time") {
    const test::TemporaryFolder folder;
    const auto first = StateFolder::open(folder.path());
    REQUIRE(first);
    const auto second = StateFolder::open(folder.path());
    REQUIRE(!second);
    CHECK(second.error().starts_with("another agent runs with the state in "));
  }

  TEST_CASE("a folder that cannot be written says so, at the start and later") {
    const test::TemporaryFolder folder;
    const auto file = folder.path() + "/file";
    std::ofstream(file) << "no folder";
    const auto refused = StateFolder::open(file);
    REQUIRE(!refused);
    CHECK(refused.error().find("choose another folder with 'state'") != std::string::npos);

    const auto state = StateFolder::open(folder.path() + "/state");
    REQUIRE(state);
    std::filesystem::remove_all(folder.path() + "/state");
    const auto saved = state->save(example());
    REQUIRE(!saved);
    CHECK(saved.error().starts_with("cannot write "));
  }

  TEST_CASE("a state that is damaged is told, and not used") {
    const test::TemporaryFolder folder;
    const auto state = StateFolder::open(folder.path());
    REQUIRE(state);
    std::ofstream(folder.path() + "/agent.json") << "{\"version\":";
    REQUIRE(state->beat(kNow));
    const auto found = state->find(kNow);
    CHECK(!found.age);
    CHECK(found.fault.find("agent.json: ") != std::string::npos);
  }
}

}  // namespace meridian::agent

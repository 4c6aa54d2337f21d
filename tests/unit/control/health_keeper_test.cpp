#include "control/health_keeper.hpp"

#include "config/compile/compile.hpp"
#include "support/manual_clock.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace meridian::control {
namespace {

using namespace std::chrono_literals;
using health::EndpointState;
using stats::Counter;

const std::string kChecks = "checks:\n  front: {type: http, jitter: 0}\n";
const std::string kServices =
    "services:\n"
    "  www.example.com: {map: web, check: front, pools: {ams: [192.0.2.10, 192.0.2.11], iad: [198.51.100.10, "
    "198.51.100.11], sin: [203.0.113.10, 203.0.113.11]}}\n";

struct Fixture {
  explicit Fixture(const std::string& services = kChecks + kServices) {
    map.write_standard();
    map.write("maps.yaml", "maps: {web: {}}\n");
    map.write("regions.yaml", "regions: {}\n");
    keeper.set_on_change([this](const HealthChange& change) {
      changes.push_back(base::to_string(change.address) + " " + std::string(health::to_string(change.to)));
      last = change;
    });
    load(services);
  }

  void load(const std::string& services) {
    map.write("services.yaml", services);
    snapshot = map.must_compile().snapshot;
    tables = std::make_shared<query::Tables>(*snapshot);
    keeper.publish(snapshot, tables, [&] { ++published; });
    targets = keeper.targets();
  }

  /// A result for every target of an address.
  void probe(const std::string& address, bool is_ok, std::optional<std::uint32_t> percent = {}) {
    health::ProbeResult result;
    result.is_ok = is_ok;
    result.weight_percent = percent;
    if (!is_ok) result.cause = "connect: refused";
    for (const auto& target : targets) {
      if (base::to_string(target.address) == address) keeper.on_result(*target.check, target.address, result);
    }
  }

  /// Rounds of probes 5 s apart, with the ticks between: `down` fail, all others are well.
  void rounds(int count, const std::vector<std::string>& down = {}) {
    for (int i = 0; i < count; ++i) {
      for (int second = 0; second < 5; ++second) {
        clock.pass(1s);
        keeper.advance();
      }
      for (const auto& target : targets) {
        const auto address = base::to_string(target.address);
        const bool is_down = std::find(down.begin(), down.end(), address) != down.end();
        health::ProbeResult result;
        result.is_ok = !is_down;
        if (is_down) result.cause = "connect: refused";
        keeper.on_result(*target.check, target.address, result);
      }
    }
  }

  [[nodiscard]] health::EndpointWord word(const std::string& address) const {
    for (std::uint32_t i = 0; i < snapshot->endpoints.size(); ++i) {
      if (base::to_string(snapshot->endpoints[i].address) == address)
        return tables->health.word(base::EndpointId{i});
    }
    FAIL("no such endpoint");
    return {};
  }
  [[nodiscard]] std::string state(const std::string& address) const {
    return std::string(health::to_string(word(address).state));
  }
  [[nodiscard]] bool fails_open() const { return tables->health.fails_open(base::ServiceId{0}); }
  [[nodiscard]] std::uint64_t count(Counter counter) const { return counters.value(counter); }
  [[nodiscard]] std::string status() const { return boost::json::serialize(keeper.status()); }
  [[nodiscard]] bool status_has(const std::string& text) const {
    return status().find(text) != std::string::npos;
  }

  test::MapFixture map{MERIDIAN_BINARY_DIR "/share/meridian"};
  test::ManualClock clock;
  stats::Counters counters;
  HealthKeeper keeper{clock, counters};
  std::shared_ptr<const query::Snapshot> snapshot;
  std::shared_ptr<query::Tables> tables;
  std::vector<WatchedTarget> targets;
  std::vector<std::string> changes;
  HealthChange last;
  int published = 0;
};

const std::vector<std::string> kAms{"192.0.2.10", "192.0.2.11"};
const std::vector<std::string> kAmsAndIad{"192.0.2.10", "192.0.2.11", "198.51.100.10", "198.51.100.11"};
const std::vector<std::string> kAll{"192.0.2.10",    "192.0.2.11",   "198.51.100.10",
                                    "198.51.100.11", "203.0.113.10", "203.0.113.11"};

}  // namespace

TEST_SUITE("control/health_keeper") {
  TEST_CASE("results become states, words in the table, and changes with their cause") {
    Fixture fixture;
    CHECK(fixture.published == 1);
    CHECK(fixture.targets.size() == 6);
    CHECK(fixture.state("192.0.2.10") == "unknown");
    fixture.rounds(1);
    CHECK(fixture.changes.size() == 6);
    CHECK(fixture.state("192.0.2.10") == "up");
    fixture.rounds(3, {"192.0.2.10"});
    CHECK(fixture.state("192.0.2.10") == "down");
    CHECK(fixture.changes.back() == "192.0.2.10 down");
    CHECK(fixture.last.service == "www.example.com");
    CHECK(fixture.last.datacenter == "ams");
    CHECK(fixture.last.check == "front");
    CHECK(fixture.last.from == EndpointState::Up);
    CHECK(fixture.last.cause == "connect: refused");
    CHECK(fixture.last.at == fixture.clock.wall());
    CHECK(fixture.count(Counter::EndpointUps) == 6);
    CHECK(fixture.count(Counter::EndpointDowns) == 1);
    CHECK(fixture.count(Counter::ProbesOk) == 21);
    CHECK(fixture.count(Counter::ProbesFailed) == 3);
    CHECK(fixture.status_has("\"state\":\"down\",\"for_s\":0,\"probed_state\":\"down\""));
    CHECK(fixture.status_has("\"cause\":\"connect: refused\""));
    CHECK(fixture.status_has("\"capacity_percent\":8.33E1"));
  }

  TEST_CASE("without results nothing is known any more, and unknown serves") {
    Fixture fixture;
    fixture.rounds(4, {"192.0.2.10"});
    REQUIRE(fixture.state("192.0.2.10") == "down");
    for (int i = 0; i < 17; ++i) {
      fixture.clock.pass(1s);
      fixture.keeper.advance();
    }
    CHECK(fixture.state("192.0.2.10") == "down");
    fixture.clock.pass(1s);
    fixture.keeper.advance();
    CHECK(fixture.state("192.0.2.10") == "unknown");
    CHECK(fixture.state("203.0.113.10") == "unknown");
    CHECK(fixture.count(Counter::EndpointUnknowns) == 6);
    CHECK(fixture.count(Counter::ChecksSuspect) == 0);
  }

  TEST_CASE("an endpoint says how much of its weight it wants, and without a word it wants all") {
    Fixture fixture;
    fixture.probe("192.0.2.10", true, 30);
    CHECK(fixture.word("192.0.2.10").weight_percent == 30);
    fixture.probe("192.0.2.10", false);
    CHECK(fixture.word("192.0.2.10").weight_percent == 30);
    fixture.probe("192.0.2.10", true, 250);
    CHECK(fixture.word("192.0.2.10").weight_percent == 100);
    fixture.probe("192.0.2.10", true, 0);
    CHECK(fixture.word("192.0.2.10").weight_percent == 0);
    fixture.probe("192.0.2.10", true);
    CHECK(fixture.word("192.0.2.10").weight_percent == 100);
  }

  TEST_CASE("what is about to change is counted down, never past the change") {
    Fixture fixture;
    fixture.rounds(1);
    CHECK(fixture.word("192.0.2.10").change_in_s == 0);
    fixture.rounds(1, {"192.0.2.10"});
    // Two more failures, five seconds apart; a second less, for until the next tick nobody looks.
    CHECK(fixture.word("192.0.2.10").change_in_s == 9);
    CHECK(fixture.word("192.0.2.11").change_in_s == 0);
    fixture.clock.pass(1s);
    fixture.keeper.advance();
    CHECK(fixture.word("192.0.2.10").change_in_s == 8);
    fixture.clock.pass(4s);
    fixture.probe("192.0.2.10", false);
    CHECK(fixture.word("192.0.2.10").change_in_s == 4);
    fixture.clock.pass(5s);
    fixture.probe("192.0.2.10", false);
    CHECK(fixture.state("192.0.2.10") == "down");
    CHECK(fixture.word("192.0.2.10").change_in_s == 0);
    fixture.clock.pass(5s);
    fixture.probe("192.0.2.10", true);
    CHECK(fixture.word("192.0.2.10").change_in_s == 54);  // a minute after its fall
    fixture.clock.pass(1s);
    fixture.keeper.advance();
    CHECK(fixture.word("192.0.2.10").change_in_s == 53);
  }

  TEST_CASE("a check that fails for all at once is not believed for ten minutes, then a panic holds on") {
    Fixture fixture;
    fixture.rounds(2);
    fixture.changes.clear();
    fixture.rounds(1, kAll);
    CHECK(fixture.count(Counter::ChecksSuspect) == 1);
    CHECK(fixture.status_has("\"suspect_left_s\":600"));
    // Nothing changes before the suspicion ends: 599 s, told in steps of 15 s.
    CHECK(fixture.word("192.0.2.10").change_in_s == 585);
    fixture.rounds(119, kAll);
    CHECK(fixture.changes.empty());
    CHECK(fixture.state("192.0.2.10") == "up");
    CHECK(fixture.status_has("\"probed_state\":\"down\""));
    CHECK(fixture.status_has("\"kept_by\":\"suspect_check\""));
    fixture.rounds(1, kAll);  // ten minutes are over: all of it would go at once
    CHECK(fixture.count(Counter::Panics) == 1);
    CHECK(fixture.state("192.0.2.10") == "up");
    CHECK(fixture.status_has("\"kept_by\":\"panic\""));
    fixture.rounds(24, kAll);
    CHECK(fixture.count(Counter::EndpointDowns) >= 2);
    fixture.rounds(24, kAll);  // a datacenter a minute
    for (const auto& address : kAll) CHECK(fixture.state(address) == "down");
    CHECK(fixture.count(Counter::ChecksSuspect) == 1);
    CHECK(fixture.count(Counter::Panics) == 1);
    CHECK_FALSE(fixture.fails_open());  // nothing is left: that is on_all_down's business
  }

  TEST_CASE("one endpoint that is well ends no suspicion, but speaks for itself") {
    Fixture fixture;
    fixture.rounds(2);
    fixture.rounds(4, kAll);
    REQUIRE(fixture.count(Counter::ChecksSuspect) == 1);
    auto others = kAll;
    others.pop_back();
    fixture.rounds(10, others);
    CHECK(fixture.state("192.0.2.10") == "up");
    CHECK(fixture.count(Counter::EndpointDowns) == 0);
    // All are well again; the suspicion stays until they are up by themselves, which takes five successes
    // and a minute since their fall.
    fixture.rounds(1);
    CHECK(fixture.status_has("suspect_left_s"));
    fixture.rounds(4);
    CHECK_FALSE(fixture.status_has("suspect_left_s"));
    CHECK(fixture.count(Counter::EndpointDowns) == 0);
    CHECK(fixture.count(Counter::Panics) == 0);
  }

  TEST_CASE("with down_after 1 the first to fall are brought back when the check becomes suspect") {
    Fixture fixture("checks:\n  front: {type: http, jitter: 0, down_after: 1}\n" + kServices);
    fixture.rounds(1);
    fixture.probe("192.0.2.10", false);
    CHECK(fixture.state("192.0.2.10") == "down");
    for (const auto& address : kAll) fixture.probe(address, false);
    CHECK(fixture.count(Counter::ChecksSuspect) == 1);
    for (const auto& address : kAll) CHECK(fixture.state(address) == "up");
  }

  TEST_CASE("more than half of the capacity is kept for two minutes, and goes a datacenter a minute") {
    Fixture fixture;
    fixture.rounds(2);
    fixture.rounds(3, kAmsAndIad);
    CHECK(fixture.count(Counter::Panics) == 1);
    for (const auto& address : kAmsAndIad) CHECK(fixture.state(address) == "up");
    CHECK(fixture.word("192.0.2.10").change_in_s == 105);  // in two minutes, in steps of 15 s
    fixture.rounds(23, kAmsAndIad);
    CHECK(fixture.word("192.0.2.10").change_in_s == 4);
    CHECK(fixture.state("192.0.2.10") == "up");
    fixture.rounds(1, kAmsAndIad);
    CHECK(fixture.state("192.0.2.10") == "down");
    CHECK(fixture.state("192.0.2.11") == "down");
    CHECK(fixture.state("198.51.100.10") == "up");
    fixture.rounds(12, kAmsAndIad);
    CHECK(fixture.state("198.51.100.10") == "down");
    CHECK(fixture.state("203.0.113.10") == "up");
    CHECK_FALSE(fixture.status_has("panic_next_release_s"));
    // A third of the capacity is less than 40 %.
    CHECK(fixture.fails_open());
    fixture.rounds(20);
    CHECK_FALSE(fixture.fails_open());
    CHECK(fixture.state("198.51.100.10") == "up");
  }

  TEST_CASE("one datacenter of three goes at once") {
    Fixture fixture;
    fixture.rounds(2);
    fixture.rounds(3, kAms);
    for (const auto& address : kAms) CHECK(fixture.state(address) == "down");
    CHECK(fixture.count(Counter::Panics) == 0);
    CHECK_FALSE(fixture.fails_open());
  }

  TEST_CASE(
      "states, runs, suspicion and panic outlive a reload, and a changed check begins with the last state") {
    Fixture fixture;
    fixture.rounds(2);
    fixture.rounds(3, kAms);
    fixture.changes.clear();
    const auto old_check = fixture.targets[0].check;
    fixture.load(kChecks + kServices +
                 "  api.example.com: {map: web, check: front, pools: {ams: [192.0.2.10]}}\n");
    CHECK(fixture.targets.size() == 6);
    CHECK(fixture.state("192.0.2.10") == "down");
    CHECK(fixture.state("198.51.100.10") == "up");
    CHECK(fixture.changes.empty());
    // A probe that was under way when the map changed counts.
    fixture.keeper.on_result(*old_check, *base::parse_ip_address("192.0.2.10"), {});
    CHECK(fixture.count(Counter::ProbesUnknown) == 0);

    fixture.load("checks:\n  front: {type: http, jitter: 0, path: /new}\n" + kServices);
    CHECK(fixture.state("192.0.2.10") == "down");
    CHECK(fixture.state("203.0.113.10") == "up");
    fixture.keeper.on_result(*old_check, *base::parse_ip_address("192.0.2.10"), {});
    CHECK(fixture.count(Counter::ProbesUnknown) == 1);

    // The falls of the minute before still count: with iad it is a panic, which takes those back as well.
    fixture.rounds(3, kAmsAndIad);
    CHECK(fixture.count(Counter::Panics) == 1);
    CHECK(fixture.state("192.0.2.10") == "up");

    fixture.load(
        "services:\n  www.example.com: {map: web, pools: {ams: [192.0.2.10], iad: [198.51.100.10]}}\n");
    CHECK(fixture.targets.empty());
    CHECK(fixture.state("192.0.2.10") == "unknown");  // nobody looks any more
  }

  TEST_CASE("a panic goes on over a reload") {
    Fixture fixture;
    fixture.rounds(2);
    fixture.rounds(3, kAmsAndIad);
    REQUIRE(fixture.count(Counter::Panics) == 1);
    fixture.load(kChecks + kServices);
    for (const auto& address : kAmsAndIad) CHECK(fixture.state(address) == "up");
    fixture.rounds(24, kAmsAndIad);
    CHECK(fixture.state("192.0.2.10") == "down");
    CHECK(fixture.state("198.51.100.10") == "up");
    CHECK(fixture.count(Counter::Panics) == 1);
  }

  TEST_CASE("suspicion goes on over a reload") {
    Fixture fixture;
    fixture.rounds(2);
    fixture.rounds(2, kAll);
    REQUIRE(fixture.count(Counter::ChecksSuspect) == 1);
    fixture.load(kChecks + kServices);
    fixture.rounds(10, kAll);
    for (const auto& address : kAll) CHECK(fixture.state(address) == "up");
    CHECK(fixture.count(Counter::ChecksSuspect) == 1);
    CHECK(fixture.status_has("suspect_left_s"));
  }

  TEST_CASE("an address of two services is probed once by equal checks, and each has its own guard") {
    Fixture fixture("checks:\n  front: {type: http}\n  same: {type: http}\n  other: {type: tcp, port: 25}\n" +
                    kServices +
                    "  a.example.com: {map: web, check: same, pools: {ams: [192.0.2.10]}}\n"
                    "  b.example.com: {map: web, check: other, pools: {ams: [192.0.2.10]}}\n");
    CHECK(fixture.targets.size() == 7);
    CHECK(fixture.snapshot->checks.size() == 2);
    fixture.rounds(1);
    CHECK(fixture.changes.size() == 8);
  }

  TEST_CASE("what was known before a restart holds until there are results, and is no panic") {
    std::vector<TargetState> saved;
    std::chrono::system_clock::time_point since;
    {
      Fixture before;
      before.rounds(2);
      before.rounds(30, kAmsAndIad);
      before.rounds(30, kAmsAndIad);
      saved = before.keeper.states();
      since = saved.at(0).since;
      CHECK(saved.size() == 6);
    }
    Fixture fixture;
    fixture.clock.pass(400s);
    saved.push_back({"gone", *base::parse_ip_address("192.0.2.10"), EndpointState::Up, "", since});
    CHECK(fixture.keeper.restore(saved) == 6);
    for (const auto& address : kAmsAndIad) CHECK(fixture.state(address) == "down");
    CHECK(fixture.state("203.0.113.10") == "up");
    CHECK(fixture.fails_open());
    CHECK(fixture.changes.empty());
    CHECK(fixture.keeper.states().at(0).since == since);
    CHECK(fixture.keeper.restore(saved) == 0);
    fixture.rounds(1, kAmsAndIad);
    CHECK(fixture.changes.empty());
    CHECK(fixture.count(Counter::Panics) == 0);
    CHECK(fixture.count(Counter::ChecksSuspect) == 0);
    fixture.rounds(5);
    CHECK(fixture.state("192.0.2.10") == "up");
  }

  TEST_CASE("a pool that is configured and not in use is probed, and takes no part in capacity and panic") {
    Fixture fixture(kChecks +
                    "services:\n  www.example.com: {map: web, check: front, pools: {ams: [192.0.2.10], iad: "
                    "[198.51.100.10], sin: {addresses: [203.0.113.10, 203.0.113.11, 203.0.113.12], force: "
                    "down}}}\n");
    CHECK(fixture.targets.size() == 5);
    fixture.rounds(2);
    fixture.rounds(3, {"203.0.113.10", "203.0.113.11", "203.0.113.12"});
    CHECK(fixture.state("203.0.113.10") == "down");
    CHECK(fixture.count(Counter::Panics) == 0);
    CHECK_FALSE(fixture.fails_open());
    CHECK(fixture.status_has("\"in_use\":false"));
    // Both that are in use are all there is, whatever is staged beside them.
    fixture.rounds(10);
    fixture.rounds(3, {"192.0.2.10", "198.51.100.10"});
    CHECK(fixture.count(Counter::Panics) == 1);
  }

  TEST_CASE("what an endpoint pushes of itself is unknown when not even failures come any more") {
    Fixture fixture("checks:\n  front: {type: push, lease: 30s}\n" + kServices);
    fixture.probe("192.0.2.10", false);
    CHECK(fixture.state("192.0.2.10") == "down");
    // That a lease ran out is told as a failure, one a lease (probe/push_leases).
    fixture.clock.pass(90s);
    fixture.keeper.advance();
    CHECK(fixture.state("192.0.2.10") == "down");
    fixture.clock.pass(1s);
    fixture.keeper.advance();
    CHECK(fixture.state("192.0.2.10") == "unknown");
  }
}

}  // namespace meridian::control

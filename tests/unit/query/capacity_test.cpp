#include "query/capacity.hpp"

#include "unit/query/asker.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace meridian::query {
namespace {

using dns::Rtype;
using health::EndpointState;
using stats::Counter;

/// A service in three datacenters, of weight 2, 2 and 1, whose clients prefer ams.
test::Asker asker_with(const std::string& more = "", const std::string& ams = "[192.0.2.10, 192.0.2.11]") {
  const test::MapFixture fixture(test::data_folder());
  fixture.write_standard();
  fixture.write("services.yaml", "services:\n  www.example.com:\n    map: web\n" + more +
                                     "    pools: {ams: " + ams +
                                     ", iad: {addresses: {198.51.100.10: 2}}, sin: "
                                     "[203.0.113.10]}\n");
  return test::Asker(fixture.must_compile());
}

void set(test::Asker& asker, const char* address, health::EndpointWord word) {
  const auto wanted = *base::parse_ip_address(address);
  for (std::uint32_t i = 0; i < asker.snapshot().endpoints.size(); ++i) {
    if (asker.snapshot().endpoints[i].address == wanted)
      asker.tables().health.set_word(base::EndpointId{i}, word);
  }
}

dns::Message ask(test::Asker& asker) { return asker.ask_from("81.2.69.0/24", "www.example.com", Rtype::A); }

std::uint32_t ttl_of_answer(test::Asker& asker) {
  const auto reply = ask(asker);
  const auto records = reply.section(dns::Section::Answer);
  REQUIRE_FALSE(records.empty());
  return records.front().ttl_s;
}

}  // namespace

TEST_SUITE("query/capacity") {
  TEST_CASE("below min_serving_capacity a service fails open, with nothing healthy it is all down") {
    struct Row {
      const char* why;
      const char* more;
      std::vector<const char*> down;
      bool fails_open;
    };
    const Row rows[] = {
        {"all is well", "", {}, false},
        {"a datacenter is a third, however heavy", "", {"192.0.2.10", "192.0.2.11"}, false},
        {"a third is left", "", {"198.51.100.10", "203.0.113.10"}, true},
        {"weights count inside a pool", "", {"192.0.2.11", "203.0.113.10"}, false},
        {"and are too little there", "    min_serving_capacity: 42%\n", {"192.0.2.11", "203.0.113.10"}, true},
        {"the very share is enough", "    min_serving_capacity: 75%\n", {"192.0.2.11"}, false},
        {"and nothing under it", "    min_serving_capacity: 76%\n", {"192.0.2.11"}, true},
        {"nothing", "", {"192.0.2.10", "192.0.2.11", "198.51.100.10", "203.0.113.10"}, false},
        {"switched off",
         "    min_serving_capacity: 0\n",
         {"192.0.2.10", "192.0.2.11", "198.51.100.10"},
         false},
        {"nearly all is wanted", "    min_serving_capacity: 90%\n", {"203.0.113.10"}, true},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      auto asker = asker_with(row.more, "{addresses: {192.0.2.10: 1, 192.0.2.11: 3}}");
      for (const auto* address : row.down) asker.set_health(address, EndpointState::Down);
      settle_capacities(asker.snapshot(), asker.tables());
      CHECK(asker.tables().health.fails_open(base::ServiceId{0}) == row.fails_open);
      // And back.
      for (const auto* address : row.down) asker.set_health(address, EndpointState::Up);
      settle_capacities(asker.snapshot(), asker.tables());
      CHECK_FALSE(asker.tables().health.fails_open(base::ServiceId{0}));
    }
  }

  TEST_CASE("a pool under its at_least serves nobody") {
    for (const auto& [at_least, fails_open] : {std::pair{"25%", false}, std::pair{"26%", true}}) {
      CAPTURE(at_least);
      auto asker = asker_with(
          "", std::string{"{addresses: {192.0.2.10: 1, 192.0.2.11: 3}, at_least: "} + at_least + "}");
      for (const auto* address : {"192.0.2.11", "203.0.113.10"})
        asker.set_health(address, EndpointState::Down);
      settle_capacities(asker.snapshot(), asker.tables());
      CHECK(asker.tables().health.fails_open(base::ServiceId{0}) == fails_open);
    }
  }

  TEST_CASE("weights that endpoints ask for, and drains, are no loss of capacity") {
    auto asker = asker_with();
    for (const auto* address : {"192.0.2.10", "192.0.2.11", "198.51.100.10"})
      set(asker, address, {.state = EndpointState::Up, .weight_percent = 1});
    asker.tables().health.set_kept(base::DatacenterId{0}, 0);
    CHECK(serving_capacity(asker.snapshot(), asker.tables().health, asker.snapshot().services[0]) ==
          steering::kFull);
  }

  TEST_CASE("a service that fails open answers as if all were up, counts it and says so") {
    auto asker = asker_with("    on_all_down: servfail\n");
    for (const auto* address : {"192.0.2.10", "192.0.2.11", "198.51.100.10"})
      asker.set_health(address, EndpointState::Down);
    settle_capacities(asker.snapshot(), asker.tables());
    const auto reply = ask(asker);
    CHECK(reply.rcode == dns::Rcode::NoError);
    CHECK(reply.section(dns::Section::Answer).size() == 2);
    CHECK(test::first_address(reply).starts_with("192.0.2.1"));
    CHECK(asker.worker().summary.reason == steering::Reason::LowCapacity);
    CHECK(asker.counters().value(Counter::LowCapacityAnswers) == 1);
    CHECK(asker.counters().value(Counter::AllDownAnswers) == 0);
    // What an operator drained stays drained.
    asker.tables().health.set_kept(base::DatacenterId{0}, 0);
    CHECK_FALSE(test::first_address(ask(asker)).starts_with("192.0.2.1"));
    // All of it drained is all down, whatever is healthy.
    for (std::uint16_t i = 0; i < 3; ++i) asker.tables().health.set_kept(base::DatacenterId{i}, 0);
    CHECK(ask(asker).rcode == dns::Rcode::ServFail);
  }

  TEST_CASE("the TTL is no longer than the time to the next change of what was looked at") {
    struct Row {
      const char* why;
      const char* address;
      health::EndpointWord word;
      std::uint32_t ttl_s;
    };
    const Row rows[] = {
        {"nothing is near", "192.0.2.10", {EndpointState::Up, 100, 0}, 60},
        {"about to go down", "192.0.2.10", {EndpointState::Up, 100, 9}, 9},
        {"never under ttl_min", "192.0.2.10", {EndpointState::Up, 100, 1}, 5},
        {"later than the TTL", "192.0.2.10", {EndpointState::Up, 100, 61}, 60},
        {"on its way up in the same pool", "192.0.2.11", {EndpointState::Down, 100, 30}, 30},
        {"of a datacenter that was not looked at", "203.0.113.10", {EndpointState::Up, 100, 9}, 60},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      auto asker = asker_with("    overprovision: 2\n");
      set(asker, row.address, row.word);
      CHECK(ttl_of_answer(asker) == row.ttl_s);
      CHECK(asker.counters().value(Counter::TtlShapedAnswers) == (row.ttl_s == 60 ? 0 : 1));
    }
    auto asker = asker_with("    ttl_min: 20\n");
    set(asker, "192.0.2.10", {EndpointState::Up, 100, 9});
    CHECK(ttl_of_answer(asker) == 20);
    // The preferred datacenter comes back soon: who is at another one must not stay for long.
    for (const auto* address : {"192.0.2.10", "192.0.2.11"})
      set(asker, address, {EndpointState::Down, 100, 25});
    CHECK(ttl_of_answer(asker) == 25);
  }

  TEST_CASE("endpoints are drawn by what they ask for of their weight") {
    auto asker = asker_with("    answer: 1\n    overprovision: 2\n");
    set(asker, "192.0.2.10", {EndpointState::Up, 25, 0});
    std::map<std::string, int> seen;
    for (int i = 0; i < 5'000; ++i) ++seen[test::first_address(ask(asker))];
    CHECK(seen.size() == 2);
    CHECK(seen["192.0.2.10"] > 800);  // a fifth of 5,000, within seven standard deviations
    CHECK(seen["192.0.2.10"] < 1'200);
    set(asker, "192.0.2.10", {EndpointState::Up, 0, 0});
    for (int i = 0; i < 50; ++i) CHECK(test::first_address(ask(asker)) == "192.0.2.11");
    // A pool that asks for nothing hands its clients on.
    set(asker, "192.0.2.11", {EndpointState::Up, 0, 0});
    CHECK_FALSE(test::first_address(ask(asker)).starts_with("192.0.2.1"));
  }
}

}  // namespace meridian::query

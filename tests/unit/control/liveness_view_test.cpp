#include "control/liveness_view.hpp"

#include "site_fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

namespace meridian::control {
namespace {

using namespace std::chrono_literals;

struct Fixture : test::SiteFixture {
  Fixture() { keeps_health = true; }
  void set_ready() {
    view.set_ready([this] { return listeners; });
  }

  std::vector<net::AddressQueries> listeners;
  LivenessView view{reloader, keeper, counters, clock};
};

}  // namespace

TEST_SUITE("control/liveness_view") {
  TEST_CASE("before the first map serves nothing is looked at") {
    Fixture fixture;
    const auto told = fixture.view.look();
    CHECK_FALSE(told.is_ready);
    CHECK(told.epoch == 0);
    CHECK_FALSE(told.oldest_input);
  }

  TEST_CASE("it tells of the map that serves, and of the next one") {
    Fixture fixture;
    fixture.start();
    fixture.set_ready();
    const auto told = fixture.view.look();
    CHECK(told.is_ready);
    CHECK(told.site == "ams1");
    CHECK(std::ranges::is_sorted(told.zones));
    CHECK(std::ranges::count(told.zones, "example.com") == 1);
    CHECK(told.oldest_input == 0s);
    REQUIRE(fixture.reload().ok);
    CHECK(fixture.view.look().epoch == told.epoch + 1);
  }

  TEST_CASE("answers and drops of both transports are counted") {
    Fixture fixture;
    fixture.start();
    fixture.set_ready();
    auto& block = fixture.counters.register_block();
    block.add(stats::Counter::UdpAnswers, 5);
    block.add(stats::Counter::TcpAnswers, 7);
    block.add(stats::Counter::UdpReceiveDrops, 11);
    block.add(stats::Counter::RateLimitDropped, 13);
    CHECK(fixture.view.look().queries == 12);
    CHECK(fixture.view.look().drops == 24);
  }

  TEST_CASE("queries of each address are told as they are at that moment") {
    Fixture fixture;
    fixture.start();
    CHECK(fixture.view.look().queries_by_address.empty());
    fixture.set_ready();
    fixture.listeners = {{.listen = {*base::parse_ip_address("192.0.2.53"), 53}, .udp = 3, .tcp = 1}};
    const auto told = fixture.view.look().queries_by_address;
    REQUIRE(told.size() == 1);
    CHECK(told[0].udp == 3);
    CHECK(told[0].tcp == 1);
  }

  TEST_CASE("a map that is refused ages from then on, until one is taken") {
    Fixture fixture;
    fixture.start();
    fixture.set_ready();
    fixture.clock.pass(1h);
    CHECK(fixture.view.look().oldest_input == 0s);
    fixture.map.write("maps.yaml", "no map\n");
    REQUIRE_FALSE(fixture.reload().ok);
    CHECK(fixture.view.look().oldest_input == 0s);
    fixture.clock.pass(90s);
    CHECK(fixture.view.look().oldest_input == 90s);
    fixture.map.write_standard();
    REQUIRE(fixture.reload().ok);
    CHECK(fixture.view.look().oldest_input == 0s);
  }

  TEST_CASE("health ages while no probe comes to a result, where some should") {
    Fixture fixture;
    fixture.map.write("services.yaml", R"(checks:
  alive: {type: tcp, port: 80}
services:
  www.example.com:
    map: web
    check: alive
    pools: {ams: [192.0.2.10], iad: [198.51.100.10], sin: [203.0.113.10]}
)");
    fixture.start();
    REQUIRE_FALSE(fixture.keeper.targets().empty());
    fixture.set_ready();
    CHECK(fixture.view.look().oldest_input == 0s);
    fixture.clock.pass(30s);
    CHECK(fixture.view.look().oldest_input == 30s);
    fixture.counters.register_block().add(stats::Counter::Probes);
    CHECK(fixture.view.look().oldest_input == 0s);
  }
}

}  // namespace meridian::control

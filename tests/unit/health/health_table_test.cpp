#include "health/health_table.hpp"

#include <doctest/doctest.h>

namespace meridian::health {

TEST_SUITE("health/health_table") {
  TEST_CASE("unknown serves, because monitoring errors must not become outages") {
    HealthTable table(2, 2);
    CHECK(table.size() == 2);
    CHECK(table.state(base::EndpointId{0}) == EndpointState::Unknown);
    CHECK(table.is_serving(base::EndpointId{0}));
  }

  TEST_CASE("a datacenter keeps everything until it is told to shed, each for itself") {
    HealthTable table(0, 2);
    CHECK(table.kept(base::DatacenterId{0}) == kKeepsAll);
    table.set_kept(base::DatacenterId{0}, 0);
    table.set_kept(base::DatacenterId{1}, kKeepsAll / 4);
    CHECK(table.kept(base::DatacenterId{0}) == 0);
    CHECK(table.kept(base::DatacenterId{1}) == kKeepsAll / 4);
    table.set_kept(base::DatacenterId{0}, kKeepsAll);
    CHECK(table.kept(base::DatacenterId{0}) == kKeepsAll);
  }

  TEST_CASE("only down does not serve, and only for its endpoint") {
    HealthTable table(2, 2);
    table.set_state(base::EndpointId{1}, EndpointState::Down);
    CHECK(table.is_serving(base::EndpointId{0}));
    CHECK_FALSE(table.is_serving(base::EndpointId{1}));
    table.set_state(base::EndpointId{1}, EndpointState::Up);
    CHECK(table.is_serving(base::EndpointId{1}));
  }
}

}  // namespace meridian::health

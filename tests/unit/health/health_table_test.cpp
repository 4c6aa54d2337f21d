#include "health/health_table.hpp"

#include <doctest/doctest.h>

#include <utility>

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

  TEST_CASE("a word holds state, weight and the next change, each in full range") {
    HealthTable table(1, 0);
    const base::EndpointId endpoint{0};
    CHECK(table.word(endpoint) == EndpointWord{});
    for (const auto state : {EndpointState::Unknown, EndpointState::Up, EndpointState::Down}) {
      for (const int percent : {0, 1, 99, 100}) {
        for (const int change_in_s : {0, 1, 65'535}) {
          const EndpointWord word{state, static_cast<std::uint8_t>(percent),
                                  static_cast<std::uint16_t>(change_in_s)};
          table.set_word(endpoint, word);
          CHECK(table.word(endpoint) == word);
        }
      }
    }
    table.set_state(endpoint, EndpointState::Up);
    CHECK(table.word(endpoint) == EndpointWord{.state = EndpointState::Up});
  }

  TEST_CASE("what is forced wins over what is known, and neither writes over the other") {
    HealthTable table(2, 0);
    const base::EndpointId endpoint{1};
    table.set_state(endpoint, EndpointState::Down);
    table.force(endpoint, EndpointState::Up);
    CHECK(table.is_serving(endpoint));
    CHECK(table.state(endpoint) == EndpointState::Down);
    CHECK(table.forced(endpoint) == EndpointState::Up);
    table.set_state(endpoint, EndpointState::Up);
    table.force(endpoint, EndpointState::Down);
    CHECK_FALSE(table.is_serving(endpoint));
    CHECK(table.state(endpoint) == EndpointState::Up);
    table.set_state(endpoint, EndpointState::Unknown);
    CHECK_FALSE(table.is_serving(endpoint));
    table.force(endpoint, std::nullopt);
    CHECK(table.is_serving(endpoint));
    CHECK_FALSE(table.forced(endpoint).has_value());
    CHECK(table.is_serving(base::EndpointId{0}));
  }

  TEST_CASE("a pool keeps everything until it is told to shed, each for itself") {
    HealthTable table(0, 1, 0, 2);
    table.set_kept(base::PoolId{1}, 0);
    CHECK(table.kept(base::PoolId{0}) == kKeepsAll);
    CHECK(table.kept(base::PoolId{1}) == 0);
    CHECK(table.kept(base::DatacenterId{0}) == kKeepsAll);
  }

  TEST_CASE("the generation moves behind every change, and only then") {
    HealthTable table(1, 1, 2, 1);
    auto last = table.generation();
    const auto has_moved = [&] { return std::exchange(last, table.generation()) != table.generation(); };
    table.set_state(base::EndpointId{0}, EndpointState::Up);
    CHECK(has_moved());
    table.set_state(base::EndpointId{0}, EndpointState::Up);
    CHECK_FALSE(has_moved());
    table.set_word(base::EndpointId{0}, {EndpointState::Up, 100, 9});
    CHECK(has_moved());
    table.set_fails_open(base::ServiceId{1}, true);
    CHECK(has_moved());
    CHECK(table.fails_open(base::ServiceId{1}));
    CHECK_FALSE(table.fails_open(base::ServiceId{0}));
    table.set_fails_open(base::ServiceId{1}, true);
    CHECK_FALSE(has_moved());
    table.force(base::EndpointId{0}, EndpointState::Down);
    CHECK(has_moved());
    table.force(base::EndpointId{0}, EndpointState::Down);
    CHECK_FALSE(has_moved());
    table.set_kept(base::PoolId{0}, 0);
    CHECK(has_moved());
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

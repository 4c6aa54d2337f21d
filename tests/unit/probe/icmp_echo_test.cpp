#include "probe/icmp_echo.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace meridian;

TEST_SUITE("probe/icmp_echo") {
  TEST_CASE("a request turned into a reply gives back what was asked") {
    const probe::Echo echo{.sequence = 0x1234, .token = 0x0102'0304'0506'0708};
    for (const auto family : {base::Family::V4, base::Family::V6}) {
      auto packet = probe::write_echo_request(family, echo);
      CHECK(packet[0] == (family == base::Family::V4 ? 8 : 128));
      CHECK_FALSE(probe::read_echo_reply(family, packet).has_value());  // our own request is no reply
      packet[0] = family == base::Family::V4 ? 0 : 129;
      CHECK(probe::read_echo_reply(family, packet) == echo);
    }
  }

  TEST_CASE("anything else is no reply") {
    const auto request = probe::write_echo_request(base::Family::V4, {.sequence = 1, .token = 2});
    std::vector<std::uint8_t> packet(request.begin(), request.end());
    packet[0] = 0;
    REQUIRE(probe::read_echo_reply(base::Family::V4, packet).has_value());
    packet[1] = 1;
    CHECK_FALSE(probe::read_echo_reply(base::Family::V4, packet).has_value());
    packet[1] = 0;
    CHECK_FALSE(probe::read_echo_reply(base::Family::V6, packet).has_value());
    packet.push_back(0);
    CHECK_FALSE(probe::read_echo_reply(base::Family::V4, packet).has_value());
    packet.resize(15);
    CHECK_FALSE(probe::read_echo_reply(base::Family::V4, packet).has_value());
    CHECK_FALSE(probe::read_echo_reply(base::Family::V4, {}).has_value());
  }
}

#include "base/community.hpp"

#include <doctest/doctest.h>

namespace meridian::base {

TEST_SUITE("base/community") {
  TEST_CASE("communities are numbers that fit, and nothing else") {
    for (const auto* const text : {"65535:0", "0:0", "65101:100"}) {
      CAPTURE(text);
      const auto community = parse_community(text);
      REQUIRE(community);
      CHECK(to_string(*community) == text);
      CHECK_FALSE(parse_large_community(text));
    }
    for (const auto* const text : {"4294967295:1:2", "0:0:0"}) {
      CAPTURE(text);
      const auto community = parse_large_community(text);
      REQUIRE(community);
      CHECK(to_string(*community) == text);
      CHECK_FALSE(parse_community(text));
    }
    for (const auto* const text : {"",
                                   ":",
                                   "1",
                                   "1:",
                                   ":1",
                                   "1:2:",
                                   ":1:2",
                                   "1::2",
                                   "1:2:3:4",
                                   "65536:1",
                                   "1:65536",
                                   "1:-2",
                                   "+1:2",
                                   "1: 2",
                                   "1:2 ",
                                   "1:2 shutdown",
                                   "1:2:3 shutdown",
                                   "a:b",
                                   "graceful-shutdown",
                                   "4294967296:1:2",
                                   "1:2:4294967296"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_community(text));
      CHECK_FALSE(parse_large_community(text));
    }
  }

  TEST_CASE("graceful shutdown has the number that RFC 8326 gives it") {
    CHECK(to_string(kGracefulShutdown) == "65535:0");
  }
}

}  // namespace meridian::base

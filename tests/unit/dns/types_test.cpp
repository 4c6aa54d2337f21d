#include "dns/types.hpp"

#include <doctest/doctest.h>

#include <optional>

using namespace meridian::dns;

TEST_SUITE("dns/types") {
  TEST_CASE("a type is written by name, or by number when it has none here") {
    CHECK(to_string(Rtype::Aaaa) == "AAAA");
    CHECK(to_string(Rtype::Nsec3Param) == "NSEC3PARAM");
    CHECK(to_string(Rtype::Minfo) == "MINFO");
    CHECK(to_string(static_cast<Rtype>(999)) == "TYPE999");
  }

  TEST_CASE("every type number survives text") {
    for (unsigned number = 0; number <= 0xffff; ++number) {
      const auto type = static_cast<Rtype>(number);
      REQUIRE(parse_rtype(to_string(type)) == type);
    }
  }

  TEST_CASE("type words are read in any case, and others refused") {
    struct Row {
      const char* why;
      const char* text;
      std::optional<Rtype> expected;
    };
    const Row rows[] = {
        {"lower case", "https", Rtype::Https},
        {"the number form of a named type", "type28", Rtype::Aaaa},
        {"a word nobody knows", "BOGUS", {}},
        {"nothing", "", {}},
        {"no number", "TYPE", {}},
        {"too large a number", "TYPE65536", {}},
        {"a sign", "TYPE-1", {}},
        {"something after the number", "TYPE1x", {}},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(parse_rtype(row.text) == row.expected);
    }
  }

  TEST_CASE("response codes are written and read like types") {
    CHECK(to_string(Rcode::NxDomain) == "NXDOMAIN");
    CHECK(to_string(Rcode::BadVers) == "BADVERS");
    CHECK(to_string(static_cast<Rcode>(99)) == "RCODE99");
    CHECK(parse_rcode("servfail") == Rcode::ServFail);
    CHECK(parse_rcode("RCODE99") == static_cast<Rcode>(99));
    CHECK(parse_rcode("RCODE") == std::nullopt);
    CHECK(parse_rcode("TYPE1") == std::nullopt);
  }
}

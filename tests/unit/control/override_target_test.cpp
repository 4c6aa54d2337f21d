#include "control/override_target.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::control {

TEST_SUITE("control/override_target") {
  TEST_CASE("a target is a datacenter, a pool or an endpoint by how it is written") {
    using Kind = OverrideTarget::Kind;
    struct Row {
      const char* text;
      Kind kind;
      const char* service;
      const char* datacenter;
      const char* address;
    };
    const Row rows[] = {
        {"ams", Kind::Datacenter, "*", "ams", "*"},
        {"a*", Kind::Datacenter, "*", "a*", "*"},
        {"*", Kind::Datacenter, "*", "*", "*"},
        {"10*", Kind::Datacenter, "*", "10*", "*"},
        {"WWW.example.com.@ams", Kind::Pool, "www.example.com", "ams", "*"},
        {"*@ams", Kind::Pool, "*", "ams", "*"},
        {"192.0.2.10", Kind::Endpoint, "*", "*", "192.0.2.10"},
        {"192.0.2.*", Kind::Endpoint, "*", "*", "192.0.2.*"},
        {"2001:DB8:0::10", Kind::Endpoint, "*", "*", "2001:db8::10"},
        {"2001:DB8:*", Kind::Endpoint, "*", "*", "2001:db8:*"},
        {"www.example.com@ams/192.0.2.10", Kind::Endpoint, "www.example.com", "ams", "192.0.2.10"},
        {"*@a?s/*", Kind::Endpoint, "*", "a?s", "*"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.text);
      const auto target = parse_target(row.text);
      REQUIRE(target.has_value());
      CHECK(target->kind == row.kind);
      CHECK(target->service == row.service);
      CHECK(target->datacenter == row.datacenter);
      CHECK(target->address == row.address);
    }
  }

  TEST_CASE("what is no target is told") {
    for (const auto* const text : {"a b", "@ams", "www.example.com@", "www.example.com@ams/",
                                   "www.example.com@ams/x", "192.0.2.300", "a\nb"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_target(text).has_value());
    }
    CHECK(parse_target(std::string(320, 'a')).has_value());
    CHECK_FALSE(parse_target(std::string(321, 'a')).has_value());
  }

  TEST_CASE("a pattern's star is any text and its question mark one character") {
    struct Row {
      const char* pattern;
      const char* text;
      bool matches;
    };
    const Row rows[] = {
        {"ams", "ams", true},     {"ams", "amsx", false},
        {"ams", "am", false},     {"", "", true},
        {"", "a", false},         {"*", "", true},
        {"a*", "ams", true},      {"*s", "ams", true},
        {"a*s", "as", true},      {"a?s", "ams", true},
        {"a?s", "as", false},     {"*m*", "ams", true},
        {"*a*b", "xaxbxb", true}, {"*a*b", "xaxbx", false},
        {"**", "ams", true},      {"*.com", "a.com.org", false},
    };
    for (const auto& row : rows) {
      CAPTURE(row.pattern);
      CAPTURE(row.text);
      CHECK(matches_pattern(row.pattern, row.text) == row.matches);
    }
  }

  TEST_CASE("a pattern of many stars takes no longer than the product of the lengths") {
    std::string pattern;
    for (int i = 0; i < 100; ++i) pattern += "a*";
    CHECK_FALSE(matches_pattern(pattern + "b", std::string(300, 'a')));
  }
}

}  // namespace meridian::control

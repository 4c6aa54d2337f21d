#include "dns/client_subnet.hpp"

#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using namespace meridian;
using dns::Rcode;
using test::from_hex;

TEST_SUITE("dns/client_subnet") {
  TEST_CASE("a well-formed option gives the network") {
    struct Row {
      const char* why;
      const char* payload;
      const char* network;
    };
    const Row rows[] = {
        {"a /24", "0001 18 00 c63364", "198.51.100.0/24"},
        {"no address at all: opted out", "0001 00 00", "0.0.0.0/0"},
        {"opted out of IPv6", "0002 00 00", "::/0"},
        {"a whole address", "0001 20 00 c6336407", "198.51.100.7/32"},
        {"bits inside a byte", "0001 11 00 0a8080", "10.128.128.0/17"},
        {"a /56", "0002 38 00 20010db8000012", "2001:db8:0:1200::/56"},
        {"a whole IPv6 address", "0002 80 00 20010db8000000000000000000000001", "2001:db8::1/128"},
        {"one bit", "0002 01 00 80", "8000::/1"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto subnet = dns::parse_client_subnet(from_hex(row.payload));
      REQUIRE(subnet.has_value());
      REQUIRE(subnet->has_value());
      CHECK(to_string((*subnet)->source) == row.network);
      CHECK((*subnet)->scope_bits == 0);
    }
  }

  TEST_CASE("a malformed option is a format error") {
    struct Row {
      const char* why;
      const char* payload;
    };
    const Row rows[] = {
        {"nothing", ""},
        {"no scope", "0001 18"},
        {"address too short", "0001 18 00 c633"},
        {"address too long", "0001 18 00 c6336400"},
        {"an address with prefix 0", "0001 00 00 00"},
        {"a whole address with a /25", "0001 19 00 c633"},
        {"a bit past a /24's byte edge", "0001 17 00 c63365"},
        {"the last bit past a /17", "0001 11 00 0a8001"},
        {"prefix past IPv4", "0001 21 00 c633640700"},
        {"prefix past IPv6", "0002 81 00 20010db800000000000000000000000100"},
        {"a scope in a query", "0001 18 18 c63364"},
        {"a scope with prefix 0", "0001 00 01"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto subnet = dns::parse_client_subnet(from_hex(row.payload));
      REQUIRE_FALSE(subnet.has_value());
      CHECK(subnet.error() == Rcode::FormErr);
    }
  }

  TEST_CASE("family 0 opts out, and has neither length nor scope nor address") {
    const auto subnet = dns::parse_client_subnet(from_hex("0000 00 00"));
    REQUIRE(subnet.has_value());
    CHECK_FALSE(subnet->has_value());
    for (const char* payload : {"0000 18 00 c63364", "0000 08 00", "0000 00 08", "0000 00 00 01"}) {
      CAPTURE(payload);
      CHECK_FALSE(dns::parse_client_subnet(from_hex(payload)).has_value());
    }
  }

  TEST_CASE("a family we do not know is malformed, whatever follows") {
    for (const char* payload : {"0003 00 00", "0003 18 00 c63364", "0101 18 ff 01", "ffff ff ff"}) {
      CAPTURE(payload);
      CHECK_FALSE(dns::parse_client_subnet(from_hex(payload)).has_value());
    }
  }

  TEST_CASE("a reply may have a scope, up to the family's width") {
    const auto subnet = dns::parse_client_subnet_reply(from_hex("0001 18 20 c63364"));
    REQUIRE(subnet.has_value());
    REQUIRE(subnet->has_value());
    CHECK((*subnet)->scope_bits == 32);
    CHECK_FALSE(dns::parse_client_subnet_reply(from_hex("0001 18 21 c63364")).has_value());
    CHECK(dns::parse_client_subnet_reply(from_hex("0002 00 80")).has_value());
    CHECK_FALSE(dns::parse_client_subnet_reply(from_hex("0002 00 81")).has_value());
  }

  TEST_CASE("a reply echoes family, prefix and address, and states the scope") {
    for (const char* network :
         {"198.51.100.0/24", "0.0.0.0/0", "10.128.0.0/9", "2001:db8:0:1200::/56", "::/0", "::1/128"}) {
      CAPTURE(network);
      dns::ClientSubnet subnet{.source = base::parse_ip_prefix(network).value(), .scope_bits = 17};
      std::array<std::uint8_t, 20> out{};
      const std::size_t size = dns::write_client_subnet(out, subnet);
      CHECK(size == dns::client_subnet_bytes(subnet));
      const auto again = dns::parse_client_subnet_reply(std::span{out}.first(size));
      REQUIRE(again.has_value());
      CHECK(*again == subnet);
    }
    std::array<std::uint8_t, 20> out{};
    dns::write_client_subnet(out,
                             {.source = base::parse_ip_prefix("198.51.100.0/24").value(), .scope_bits = 18});
    CHECK(std::vector(out.begin(), out.begin() + 7) == from_hex("0001 18 12 c63364"));
  }
}

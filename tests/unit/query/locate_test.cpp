#include "query/locate.hpp"

#include "unit/query/asker.hpp"

#include <doctest/doctest.h>

namespace meridian::query {
namespace {

std::optional<base::IpPrefix> subnet(const char* text) {
  if (text == nullptr) return std::nullopt;
  return *base::parse_ip_prefix(text);
}

}  // namespace

TEST_SUITE("query/locate") {
  TEST_CASE("whose address decides, and the scope that follows") {
    struct Row {
      const char* why;
      const char* source;
      const char* client_subnet;
      bool use;
      Whose whose;
      const char* address;
      int scope;
    };
    const Row rows[] = {
        {"no client subnet", "8.8.8.8", nullptr, true, Whose::Resolver, "8.8.8.8", 0},
        {"a client subnet", "9.9.9.9", "8.8.8.0/24", true, Whose::ClientSubnet, "8.8.8.0", 8},
        {"opted out", "8.8.8.8", "0.0.0.0/0", true, Whose::OptedOut, "8.8.8.8", 0},
        {"opted out in IPv6", "8.8.8.8", "::/0", true, Whose::OptedOut, "8.8.8.8", 0},
        {"the service ignores it", "8.8.8.8", "81.2.69.0/24", false, Whose::Ignored, "8.8.8.8", 0},
        {"private", "8.8.8.8", "192.168.1.0/24", true, Whose::PrivateClientSubnet, "8.8.8.8", 24},
        {"shared address space", "8.8.8.8", "100.64.0.0/10", true, Whose::PrivateClientSubnet, "8.8.8.8", 10},
        {"unique local", "8.8.8.8", "fd00:1::/48", true, Whose::PrivateClientSubnet, "8.8.8.8", 48},
        {"carried in 6to4", "9.9.9.9", "2002:5102:4500::/40", true, Whose::ClientSubnet, "81.2.69.0", 40},
        {"carried and private", "8.8.8.8", "2002:a01:200::/40", true, Whose::PrivateClientSubnet, "8.8.8.8",
         40},
        {"a resolver behind NAT64", "64:ff9b::8.8.8.8", nullptr, true, Whose::Resolver, "8.8.8.8", 0},
    };
    const auto asker = test::standard_asker();
    const auto& map = asker.snapshot().maps[0];
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto given = subnet(row.client_subnet);
      const auto client =
          locate(map, row.use, *base::parse_ip_address(row.source), given ? &*given : nullptr);
      CHECK(client.whose == row.whose);
      CHECK(base::to_string(client.address) == row.address);
      CHECK(scope_bits(client, false) == row.scope);
    }
  }

  TEST_CASE("a private resolver gets the tiers of a client nothing is known of") {
    const auto asker = test::standard_asker();
    const auto& map = asker.snapshot().maps[0];
    for (const auto* source : {"127.0.0.1", "10.0.0.1", "::1", "fe80::1", "fd00::1"}) {
      CAPTURE(source);
      const auto client = locate(map, true, *base::parse_ip_address(source), nullptr);
      CHECK(client.tiers == map.unknown);
    }
  }

  TEST_CASE("private space that a rule names is looked up like any other") {
    const test::MapFixture fixture(test::data_folder());
    fixture.write_standard();
    fixture.write("maps.yaml",
                  "maps:\n  web:\n    rules:\n      - {for: 10.5.0.0/16, prefer: [sin]}\n      - {for: "
                  "everyone, prefer: [ams]}\n");
    test::Asker asker(fixture.must_compile());
    const auto named = asker.ask_from("10.5.6.0/24", "www.example.com", dns::Rtype::A);
    CHECK(test::first_address(named) == "203.0.113.10");
    CHECK(test::scope_of(named) == 16);
    const auto unnamed = asker.ask_from("10.6.6.0/24", "www.example.com", dns::Rtype::A);
    CHECK(test::first_address(unnamed).starts_with("192.0.2.1"));
    CHECK(test::scope_of(unnamed) == 24);
  }

  TEST_CASE("spreading a leaf narrows the scope to the unit, never widens it") {
    Client client;
    client.whose = Whose::ClientSubnet;
    client.address = *base::parse_ip_address("192.0.2.0");
    client.leaf_bits = 8;
    CHECK(scope_bits(client, true) == 24);
    client.leaf_bits = 30;
    CHECK(scope_bits(client, true) == 30);
    client.address = *base::parse_ip_address("2001:db8::");
    client.leaf_bits = 20;
    CHECK(scope_bits(client, true) == 56);
    CHECK(scope_bits(client, false) == 20);
  }
}

}  // namespace meridian::query

#include "base/ip.hpp"

#include "base/random.hpp"

#include <doctest/doctest.h>

namespace meridian::base {
namespace {

IpAddress address(std::string_view text) {
  const auto parsed = parse_ip_address(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

IpPrefix prefix(std::string_view text) {
  const auto parsed = parse_ip_prefix(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

}  // namespace

TEST_SUITE("base/ip") {
  TEST_CASE("addresses print as they are parsed") {
    for (const auto* text :
         {"0.0.0.0", "203.0.113.7", "255.255.255.255", "::", "::1", "2001:db8::a:0:0:1", "ffff::"}) {
      CHECK(to_string(address(text)) == text);
    }
  }

  TEST_CASE("what is no address is refused") {
    for (const auto* text :
         {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "fe80::1%eth0", "2001:db8::1::2", "[::1]",
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_ip_address(text).has_value());
    }
  }

  TEST_CASE("a bad network says what would be right") {
    struct Row {
      const char* text;
      const char* error;
    };
    const Row rows[] = {
        {"203.0.113.7/24", "'203.0.113.7/24' has host bits set; the network is 203.0.113.0/24"},
        {"2001:db8::1/32", "'2001:db8::1/32' has host bits set; the network is 2001:db8::/32"},
        {"192.0.2.0/33", "'192.0.2.0/33' has no valid prefix length; it goes from 0 to 32"},
        {"2001:db8::/129", "'2001:db8::/129' has no valid prefix length; it goes from 0 to 128"},
        {"192.0.2.0/", "'192.0.2.0/' has no valid prefix length; it goes from 0 to 32"},
        {"192.0.2.0/-1", "'192.0.2.0/-1' has no valid prefix length; it goes from 0 to 32"},
        {"192.0.2/24", "'192.0.2/24' is not an IP network; write it like 192.0.2.0/24 or 2001:db8::/32"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.text);
      const auto parsed = parse_ip_prefix(row.text);
      REQUIRE_FALSE(parsed.has_value());
      CHECK(parsed.error() == row.error);
    }
  }

  TEST_CASE("a bare address is a network of one") {
    CHECK(prefix("192.0.2.1").bits == 32);
    CHECK(prefix("2001:db8::1").bits == 128);
  }

  TEST_CASE("masking keeps exactly the prefix, and the last address sets exactly the rest") {
    Random random(7);
    for (int i = 0; i < 2'000; ++i) {
      std::array<std::uint8_t, 16> bytes;
      for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
      const auto full =
          i % 2 == 0 ? IpAddress::v6(bytes) : IpAddress::v4(static_cast<std::uint32_t>(random.next()));
      const auto bits = static_cast<std::uint8_t>(random.below(address_bits(full.family) + 1u));
      const IpPrefix network{masked(full, bits), bits};
      const auto last = last_address(network);
      CAPTURE(to_string(full));
      CAPTURE(static_cast<int>(bits));
      CHECK(network.contains(full));
      CHECK(network.contains(last));
      for (unsigned bit = 0; bit < address_bits(full.family); ++bit) {
        REQUIRE(network.address.bit(bit) == (bit < bits && full.bit(bit)));
        REQUIRE(last.bit(bit) == (bit >= bits || full.bit(bit)));
      }
    }
  }

  TEST_CASE("the other family is never inside") {
    CHECK_FALSE(prefix("0.0.0.0/0").contains(address("::")));
    CHECK_FALSE(prefix("::/0").contains(address("0.0.0.0")));
    CHECK(prefix("10.0.0.0/8").contains(prefix("10.1.0.0/16")));
    CHECK_FALSE(prefix("10.1.0.0/16").contains(prefix("10.0.0.0/8")));
  }

  TEST_CASE("every carrier gives up the IPv4 address inside it") {
    struct Row {
      const char* why;
      const char* carrier;
      const char* carried;
      int offset_bits;
    };
    const Row rows[] = {
        {"v4-mapped", "::ffff:198.51.100.7", "198.51.100.7", 96},
        {"v4-compatible", "::198.51.100.7", "198.51.100.7", 96},
        {"SIIT", "::ffff:0:198.51.100.7", "198.51.100.7", 96},
        {"NAT64", "64:ff9b::198.51.100.7", "198.51.100.7", 96},
        {"6to4", "2002:c633:6407:1::1", "198.51.100.7", 16},
        {"Teredo, RFC 4380's own example", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45", 96},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto carried = find_carried_v4(address(row.carrier));
      REQUIRE(carried.has_value());
      CHECK(to_string(carried->address) == row.carried);
      CHECK(carried->offset_bits == row.offset_bits);
    }
    for (const auto* text :
         {"::", "::1", "2001:db8::1", "2001:1::1", "64:ff9b:1::1", "::1:0:0:1", "192.0.2.1"}) {
      CAPTURE(text);
      CHECK_FALSE(find_carried_v4(address(text)).has_value());
    }
  }

  TEST_CASE("every address inside a carrier network is taken apart, but :: and ::1") {
    for (const auto& network : carrier_networks()) {
      CHECK(find_carried_v4(last_address(network)).has_value());
    }
  }

  TEST_CASE("private space is private to its last address") {
    for (const auto& network : private_networks()) {
      CHECK(is_private(network.address));
      CHECK(is_private(last_address(network)));
    }
    for (const auto* text :
         {"9.255.255.255", "11.0.0.0", "172.32.0.0", "100.128.0.0", "8.8.8.8", "2001:db8::", "fec0::"}) {
      CAPTURE(text);
      CHECK_FALSE(is_private(address(text)));
    }
  }
}

}  // namespace meridian::base

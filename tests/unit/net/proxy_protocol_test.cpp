#include "net/proxy_protocol.hpp"

#include "base/limits.hpp"
#include "net_support.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace meridian;
using net::ProxyError;
using net_test::at;
using net_test::proxy_header;

namespace {

auto parse(std::string_view text) {
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  return net::parse_proxy_header(bytes);
}

std::string with_byte(std::string header, std::size_t at, unsigned value) {
  header[at] = static_cast<char>(value);
  return header;
}

/// A header whose address block is `bytes` long, whatever it holds.
std::string with_block(unsigned family, std::size_t bytes) {
  auto header = proxy_header("192.0.2.7", 1).substr(0, 16) + std::string(bytes, 'a');
  header = with_byte(header, 13, family);
  header = with_byte(header, 14, static_cast<unsigned>(bytes >> 8));
  return with_byte(header, 15, bytes & 0xff);
}

}  // namespace

TEST_SUITE("net/proxy_protocol") {
  TEST_CASE("the bytes of the specification are read as it says") {
    // Written out once by hand, so that the builder of the other tests is checked as well.
    const std::string header = std::string("\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a", 12) +
                               "\x21\x11" + std::string("\x00\x0c", 2) + "\xc0\xa8" +
                               std::string("\x00\x01", 2) + "\xc6\x33\x64\x35" + "\xdd\xd5" +
                               std::string("\x00\x35", 2);
    const auto parsed = parse(header + "query");
    REQUIRE(parsed);
    CHECK(parsed->bytes == 28);
    REQUIRE(parsed->client);
    CHECK(parsed->client->address == at("192.168.0.1").address);
    CHECK(parsed->client->port == 56'789);
    CHECK(with_byte(proxy_header("192.168.0.1", 56'789), 13, 0x11) == header);
  }

  TEST_CASE("headers that are accepted") {
    struct Row {
      const char* why;
      std::string header;
      const char* client;  ///< "" for the real peer.
    };
    const Row rows[] = {
        {"IPv4 over UDP", proxy_header("192.0.2.7", 53), "192.0.2.7"},
        {"IPv4 over TCP", with_byte(proxy_header("192.0.2.7", 53), 13, 0x11), "192.0.2.7"},
        {"IPv6 over UDP", proxy_header("2001:db8::7", 53), "2001:db8::7"},
        {"IPv6 over TCP", with_byte(proxy_header("2001:db8::7", 53), 13, 0x21), "2001:db8::7"},
        {"IPv4 as IPv6 is IPv4", proxy_header("::ffff:192.0.2.7", 53), "192.0.2.7"},
        {"TLVs are skipped", proxy_header("192.0.2.7", 53, 0x21, std::string("\x03\x00\x02hi", 5)),
         "192.0.2.7"},
        {"TLVs are not even read", proxy_header("192.0.2.7", 53, 0x21, "\xff\xff\xff"), "192.0.2.7"},
        {"up to the limit", with_block(0x11, base::limits::kProxyHeaderBytesMax - 16), "97.97.97.97"},
        {"the proxy itself, with addresses", proxy_header("192.0.2.7", 53, 0x20), ""},
        {"the proxy itself, of a family we do not know",
         with_byte(proxy_header("192.0.2.7", 53, 0x20), 13, 0x77), ""},
        {"the proxy itself, without a block", with_byte(with_block(0x00, 0), 12, 0x20), ""},
        {"a client it does not tell", with_block(0x00, 0), ""},
        {"a client it does not tell, with a block", with_block(0x00, 100), ""},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto parsed = parse(row.header + "query");
      REQUIRE(parsed);
      CHECK(parsed->bytes == row.header.size());
      REQUIRE(parsed->client.has_value() == !std::string_view(row.client).empty());
      if (parsed->client) CHECK(parsed->client->address == at(row.client).address);
    }
  }

  TEST_CASE("headers that are not") {
    const auto good = proxy_header("192.0.2.7", 53);
    struct Row {
      const char* why;
      std::string header;
    };
    const Row rows[] = {
        {"a query without a header", std::string("\x12\x34\x01\x00\x00\x01", 6) + std::string(20, '\0')},
        {"one wrong byte of the signature", with_byte(good, 11, 0x0b)},
        {"version 1, the text", "PROXY TCP4 192.0.2.7 198.51.100.53 4711 53\r\n"},
        {"version 3", with_byte(good, 12, 0x31)},
        {"a command nobody knows", with_byte(good, 12, 0x22)},
        {"IPv4 without a transport", with_byte(good, 13, 0x10)},
        {"a transport without a family", with_byte(good, 13, 0x01)},
        {"a Unix socket", with_block(0x31, 216)},
        {"a family nobody knows", with_byte(good, 13, 0x41)},
        {"a transport nobody knows", with_byte(good, 13, 0x13)},
        {"an IPv4 block one byte short", with_block(0x12, 11)},
        {"an IPv6 block one byte short", with_block(0x22, 35)},
        {"no block", with_block(0x11, 0)},
        {"past the limit", with_block(0x11, base::limits::kProxyHeaderBytesMax - 15)},
        {"past the limit, though not all is here",
         with_block(0x11, base::limits::kProxyHeaderBytesMax - 15).substr(0, 16)},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto parsed = parse(row.header);
      REQUIRE_FALSE(parsed);
      CHECK(parsed.error() == ProxyError::Malformed);
    }
  }

  TEST_CASE("a header that is cut anywhere is incomplete, never wrong") {
    for (const char* client : {"192.0.2.7", "2001:db8::7"}) {
      const auto header = proxy_header(client, 53, 0x21, "TLVs");
      for (std::size_t size = 0; size < header.size(); ++size) {
        CAPTURE(size);
        const auto parsed = parse(header.substr(0, size));
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error() == ProxyError::Incomplete);
      }
    }
  }

  TEST_CASE("a network of proxies holds its own addresses") {
    const net::ProxyNetworks networks{base::parse_ip_prefix("10.0.0.0/8").value(),
                                      base::parse_ip_prefix("2001:db8::/32").value()};
    CHECK(net::contains(networks, at("10.1.2.3").address));
    CHECK(net::contains(networks, at("2001:db8::1").address));
    CHECK_FALSE(net::contains(networks, at("11.0.0.1").address));
    CHECK_FALSE(net::contains({}, at("10.1.2.3").address));
  }
}

#include "dns/cookie.hpp"

#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

using namespace meridian;
using dns::CookieState;
using test::Bytes;
using test::from_hex;

namespace {

constexpr std::string_view kSecret = "e5e973e5a6b2a43f48e7dc849e37bfcf";
constexpr std::string_view kCookie = "2464c4abcf10c957 010000005cf79f111f8130c3eee29480";
constexpr std::uint32_t kMadeAt = 1'559'731'985;

dns::CookieSecret secret_of(std::string_view hex) {
  const Bytes bytes = from_hex(hex);
  dns::CookieSecret secret{};
  REQUIRE(bytes.size() == secret.size());
  std::copy(bytes.begin(), bytes.end(), secret.begin());
  return secret;
}

dns::CookieSecrets secrets_of(std::initializer_list<std::string_view> list) {
  dns::CookieSecrets secrets;
  for (const auto hex : list) secrets.add(secret_of(hex));
  return secrets;
}

base::IpAddress address(std::string_view text) { return *base::parse_ip_address(text); }

}  // namespace

TEST_SUITE("dns/cookie") {
  TEST_CASE("RFC 9018 appendix A: the cookies that a server makes") {
    struct Row {
      const char* why;
      std::string_view secret;
      const char* client;
      std::uint32_t now_s;
      std::string_view expected;
    };
    const Row rows[] = {
        {"A.1: a new one", kSecret, "198.51.100.100", kMadeAt, kCookie},
        {"A.2: the same client's next one", kSecret, "198.51.100.100", 1'559'734'385,
         "2464c4abcf10c957 010000005cf7a871d4a564a1442aca77"},
        {"A.3: another client", kSecret, "203.0.113.203", 1'559'734'700,
         "fc93fc62807ddb86 010000005cf7a9acf73a7810aca2381e"},
        {"A.4: IPv6, the secret before", "dd3bdf9344b678b185a6f5cb60fca715",
         "2001:db8:220:1:59de:d0f4:8769:82b8", 1'559'741'817,
         "22681ab97d52c298 010000005cf7c57926556bd0934c72f8"},
        {"A.4: IPv6, the new secret", "445536bcd2513298075a5d379663c962",
         "2001:db8:220:1:59de:d0f4:8769:82b8", 1'559'741'961,
         "22681ab97d52c298 010000005cf7c609a6bb79d16625507a"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const Bytes expected = from_hex(row.expected);
      const auto made = dns::make_cookie(std::span{expected}.first<dns::kClientCookieBytes>(),
                                         address(row.client), row.now_s, secret_of(row.secret));
      CHECK(Bytes(made.begin(), made.end()) == expected);
    }
  }

  TEST_CASE("RFC 9018 appendix A: the cookies that a server takes") {
    struct Row {
      const char* why;
      dns::CookieSecrets secrets;
      const char* client;
      std::uint32_t now_s;
      std::string_view cookie;
      bool is_fresh;
    };
    const Row rows[] = {
        {"A.2: 40 minutes old, so a new one is due", secrets_of({kSecret}), "198.51.100.100", 1'559'734'385,
         kCookie, false},
        {"A.3: reserved bytes count as they came", secrets_of({kSecret}), "203.0.113.203", 1'559'727'985,
         "fc93fc62807ddb86 01abcdef5cf78f71a314227b6679ebf5", true},
        {"A.4: signed with the secret before",
         secrets_of({"445536bcd2513298075a5d379663c962", "dd3bdf9344b678b185a6f5cb60fca715"}),
         "2001:db8:220:1:59de:d0f4:8769:82b8", 1'559'741'961,
         "22681ab97d52c298 010000005cf7c57926556bd0934c72f8", false},
        {"the same before the swap",
         secrets_of({"dd3bdf9344b678b185a6f5cb60fca715", "445536bcd2513298075a5d379663c962"}),
         "2001:db8:220:1:59de:d0f4:8769:82b8", 1'559'741'961,
         "22681ab97d52c298 010000005cf7c57926556bd0934c72f8", true},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto check = dns::check_cookie(from_hex(row.cookie), address(row.client), row.now_s, row.secrets);
      CHECK(check.state == CookieState::Valid);
      CHECK(check.is_fresh == row.is_fresh);
    }
  }

  TEST_CASE("a cookie is good from 5 minutes before its time to an hour after, and fresh for half an hour") {
    struct Row {
      const char* why;
      std::uint32_t now_s;
      CookieState state;
      bool is_fresh;
    };
    const Row rows[] = {
        {"just made", kMadeAt, CookieState::Valid, true},
        {"a server whose clock goes 5 minutes behind", kMadeAt - 300, CookieState::Valid, true},
        {"one more second", kMadeAt - 301, CookieState::Invalid, false},
        {"half an hour", kMadeAt + 1'800, CookieState::Valid, true},
        {"one more second is due for a new one", kMadeAt + 1'801, CookieState::Valid, false},
        {"an hour", kMadeAt + 3'600, CookieState::Valid, false},
        {"one more second is too old", kMadeAt + 3'601, CookieState::Invalid, false},
        {"half of all time away", kMadeAt + 0x8000'0000, CookieState::Invalid, false},
    };
    const auto secrets = secrets_of({kSecret});
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto check = dns::check_cookie(from_hex(kCookie), address("198.51.100.100"), row.now_s, secrets);
      CHECK(check.state == row.state);
      CHECK(check.is_fresh == row.is_fresh);
    }
  }

  TEST_CASE("the time wraps in 2106 without a cookie lost") {
    const auto secrets = secrets_of({kSecret});
    const auto client = address("192.0.2.1");
    const Bytes client_cookie = from_hex("0102030405060708");
    const auto made = dns::make_cookie(std::span{client_cookie}.first<dns::kClientCookieBytes>(), client,
                                       0xffff'fff0, secrets.all().front());
    CHECK(dns::check_cookie(made, client, 0x0000'0010, secrets).is_fresh);
    CHECK(dns::check_cookie(made, client, 0xffff'fff0 + 3'601, secrets).state == CookieState::Invalid);
  }

  TEST_CASE("what is not ours is not valid") {
    struct Row {
      const char* why;
      Bytes cookie;
      const char* client;
      CookieState state;
    };
    const auto with = [](std::size_t at, std::uint8_t bit) {
      Bytes cookie = from_hex(kCookie);
      cookie.at(at) ^= bit;
      return cookie;
    };
    Bytes longer = from_hex(kCookie);
    longer.push_back(0);
    Bytes shorter = from_hex(kCookie);
    shorter.resize(16);
    const Row rows[] = {
        {"none", {}, "198.51.100.100", CookieState::None},
        {"of the client only", from_hex("2464c4abcf10c957"), "198.51.100.100", CookieState::ClientOnly},
        {"another address", from_hex(kCookie), "198.51.100.101", CookieState::Invalid},
        {"the address as IPv6", from_hex(kCookie), "::ffff:198.51.100.100", CookieState::Invalid},
        {"another client cookie", with(0, 0x01), "198.51.100.100", CookieState::Invalid},
        {"another version", with(8, 0x03), "198.51.100.100", CookieState::Invalid},
        {"another reserved byte", with(9, 0x01), "198.51.100.100", CookieState::Invalid},
        {"another second", with(15, 0x01), "198.51.100.100", CookieState::Invalid},
        {"first bit of the hash", with(16, 0x80), "198.51.100.100", CookieState::Invalid},
        {"last bit of the hash", with(23, 0x01), "198.51.100.100", CookieState::Invalid},
        {"of another maker, longer", longer, "198.51.100.100", CookieState::Invalid},
        {"of another maker, shorter", shorter, "198.51.100.100", CookieState::Invalid},
    };
    const auto secrets = secrets_of({kSecret, "445536bcd2513298075a5d379663c962"});
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto check = dns::check_cookie(row.cookie, address(row.client), kMadeAt, secrets);
      CHECK(check.state == row.state);
      CHECK_FALSE(check.is_fresh);
    }
  }

  TEST_CASE("an option has 8 bytes, or 16 to 40") {
    for (std::size_t size = 0; size <= 64; ++size) {
      CAPTURE(size);
      CHECK(dns::is_cookie_size(size) == (size == 8 || (size >= 16 && size <= 40)));
    }
  }
}

#include "query/rate_limit.hpp"

#include "unit/query/asker.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace meridian::query {
namespace {

using dns::Rcode;
using dns::Rtype;
using stats::Counter;

/// Everything apart is 5 a second; slip off unless a test turns it on.
struct Limited {
  test::Asker asker = test::standard_asker();

  Limited() {
    auto& limits = settings();
    limits.enabled = true;
    limits.slip = 0;
    limits.entries = 1u << 16;
    for (auto& rate : limits.classes) rate = rate::make_rate(5, 15);
    asker.tables().rates = rate_table_for(limits, nullptr);
  }

  RateLimits& settings() { return asker.settings().rate_limits; }

  /// The reply's bytes; empty when none came.
  test::Bytes ask(std::string_view name, Rtype type, std::string_view from = "192.0.2.1",
                  bool is_tcp = false) {
    return asker.ask_bytes(test::build_query(name, type, {.udp_size = 1232}),
                           {*base::parse_ip_address(from), is_tcp});
  }

  /// How many of ten queries are answered.
  int answered(std::string_view name, Rtype type, std::string_view from = "192.0.2.1", bool is_tcp = false) {
    int count = 0;
    for (int i = 0; i < 10; ++i) count += ask(name, type, from, is_tcp).empty() ? 0 : 1;
    return count;
  }

  std::uint64_t count(Counter counter) { return asker.counters().value(counter); }
};

}  // namespace

TEST_SUITE("query/rate_limit") {
  TEST_CASE("each kind of answer has its limit and its counter") {
    struct Row {
      const char* why;
      const char* name;
      Rtype type;
      Counter counter;
    };
    const Row rows[] = {
        {"static", "static.example.com", Rtype::A, Counter::RateLimitResponses},
        {"steered", "www.example.com", Rtype::A, Counter::RateLimitResponses},
        {"chain", "deep.example.com", Rtype::A, Counter::RateLimitResponses},
        {"nodata", "static.example.com", Rtype::Mx, Counter::RateLimitNoData},
        {"nxdomain", "nothing.example.com", Rtype::A, Counter::RateLimitNxDomain},
        {"referral", "host.sub.example.com", Rtype::A, Counter::RateLimitReferrals},
        {"refused", "www.example.org", Rtype::A, Counter::RateLimitErrors},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Limited limited;
      CHECK(limited.answered(row.name, row.type) == 5);
      CHECK(limited.count(row.counter) == 5);
      CHECK(limited.count(Counter::RateLimitDropped) == 5);
      CHECK(limited.asker.worker().summary.rate == RateAction::Dropped);
    }
  }

  TEST_CASE("malformed queries count as errors") {
    Limited limited;
    auto packet = test::build_query("static.example.com", Rtype::A, {});
    packet.pop_back();
    int count = 0;
    for (int i = 0; i < 10; ++i) count += limited.asker.ask_bytes(packet, {}).empty() ? 0 : 1;
    CHECK(count == 5);
    CHECK(limited.count(Counter::RateLimitErrors) == 5);
  }

  TEST_CASE("names an attacker makes up share what they lead to") {
    Limited limited;
    int wildcard = 0;
    int absent = 0;
    for (int i = 0; i < 20; ++i) {
      const auto label = "x" + std::to_string(i);
      wildcard += limited.ask(label + ".wild.example.com", Rtype::Txt).empty() ? 0 : 1;
      absent += limited.ask(label + ".example.com", Rtype::A).empty() ? 0 : 1;
    }
    CHECK(wildcard == 5);
    CHECK(absent == 5);
  }

  TEST_CASE("other networks, names, types and classes have their own share") {
    Limited limited;
    CHECK(limited.answered("static.example.com", Rtype::A) == 5);
    CHECK(limited.answered("static.example.com", Rtype::A, "192.0.2.200") == 0);  // the same /24
    CHECK(limited.answered("static.example.com", Rtype::A, "192.0.3.1") == 5);
    CHECK(limited.answered("static.example.com", Rtype::Aaaa) == 5);
    CHECK(limited.answered("ns1.example.com", Rtype::A) == 5);
    CHECK(limited.answered("nothing.example.com", Rtype::A) == 5);
    CHECK(limited.answered("static.example.com", Rtype::Mx) == 5);  // NODATA, in the zone of the NXDOMAIN
    CHECK(limited.answered("static.example.com", Rtype::A, "2001:db8:1:2::1") == 5);
    CHECK(limited.answered("static.example.com", Rtype::A, "2001:db8:1:ff::1") == 0);  // the same /56
    CHECK(limited.answered("static.example.com", Rtype::A, "2001:db8:1:100::1") == 5);
  }

  TEST_CASE("prefixes of any length are masked as they say") {
    Limited limited;
    limited.settings().v4_bits = 32;
    limited.settings().v6_bits = 64;
    CHECK(limited.answered("static.example.com", Rtype::A, "192.0.2.1") == 5);
    CHECK(limited.answered("static.example.com", Rtype::A, "192.0.2.2") == 5);
    CHECK(limited.answered("static.example.com", Rtype::A, "2001:db8:1:2::1") == 5);
    CHECK(limited.answered("static.example.com", Rtype::A, "2001:db8:1:3::1") == 5);
    limited.settings().v4_bits = 1;
    limited.settings().v6_bits = 1;
    CHECK(limited.answered("static.example.com", Rtype::A, "10.0.0.1") == 5);
    CHECK(limited.answered("static.example.com", Rtype::A, "100.0.0.1") == 0);
    CHECK(limited.answered("static.example.com", Rtype::A, "2001:db8:1:3::1") == 5);
    CHECK(limited.answered("static.example.com", Rtype::A, "fc00::1") == 5);
  }

  TEST_CASE("the limit over all kinds holds beside the others") {
    Limited limited;
    limited.settings().all = rate::make_rate(7, 15);
    CHECK(limited.answered("static.example.com", Rtype::A) == 5);
    CHECK(limited.answered("ns1.example.com", Rtype::A) == 0);  // the ten before are counted, sent or not
    CHECK(limited.answered("ns1.example.com", Rtype::A, "192.0.9.1") == 5);
  }

  TEST_CASE("time brings the answers back") {
    Limited limited;
    CHECK(limited.answered("static.example.com", Rtype::A) == 5);
    limited.asker.worker().now.monotonic_ms += 20'000;
    CHECK(limited.answered("static.example.com", Rtype::A) == 5);
  }

  TEST_CASE("with slip 1 everything over the limit is truncated, short, and asks for TCP") {
    Limited limited;
    limited.settings().slip = 1;
    CHECK(limited.answered("static.example.com", Rtype::A) == 10);
    CHECK(limited.count(Counter::RateLimitSlipped) == 5);
    const auto reply = limited.ask("static.example.com", Rtype::A);
    const auto message = dns::read_message(reply);
    REQUIRE(message.has_value());
    CHECK(message->is_truncated());
    CHECK(message->rcode == Rcode::NoError);
    CHECK(message->section(dns::Section::Answer).empty());
    CHECK(message->edns.has_value());
    CHECK(reply.size() <= test::build_query("static.example.com", Rtype::A, {.udp_size = 1232}).size());
    CHECK(limited.asker.worker().summary.rate == RateAction::Slipped);
    CHECK(limited.asker.worker().summary.is_truncated);
  }

  TEST_CASE("an error that slips is sent as it is") {
    Limited limited;
    limited.settings().slip = 1;
    CHECK(limited.answered("www.example.org", Rtype::A) == 10);
    const auto message = dns::read_message(limited.ask("www.example.org", Rtype::A));
    REQUIRE(message.has_value());
    CHECK(message->rcode == Rcode::Refused);
    CHECK_FALSE(message->is_truncated());
  }

  TEST_CASE("slip 2 lets about every other one through") {
    Limited limited;
    limited.settings().slip = 2;
    int answered = 0;
    for (int i = 0; i < 100; ++i) answered += limited.answered("static.example.com", Rtype::A);
    CHECK(answered > 400);
    CHECK(answered < 600);
  }

  TEST_CASE("log only counts and answers") {
    Limited limited;
    limited.settings().log_only = true;
    CHECK(limited.answered("static.example.com", Rtype::A) == 10);
    CHECK(limited.count(Counter::RateLimitResponses) == 5);
    CHECK(limited.count(Counter::RateLimitDropped) == 0);
    CHECK(limited.asker.worker().summary.rate == RateAction::LoggedOnly);
  }

  TEST_CASE("TCP and the allow list are never limited") {
    Limited limited;
    const std::pair<base::IpPrefix, std::uint32_t> v4[] = {{*base::parse_ip_prefix("198.51.100.0/25"), 1}};
    const std::pair<base::IpPrefix, std::uint32_t> v6[] = {{*base::parse_ip_prefix("2001:db8:5::/48"), 1}};
    limited.settings().exempt_v4 = geo::build_prefix_tree(base::Family::V4, v4, 0);
    limited.settings().exempt_v6 = geo::build_prefix_tree(base::Family::V6, v6, 0);
    CHECK(limited.answered("static.example.com", Rtype::A, "192.0.2.1", true) == 10);
    CHECK(limited.answered("static.example.com", Rtype::A, "198.51.100.5") == 10);
    CHECK(limited.answered("static.example.com", Rtype::A, "198.51.101.5") == 5);
    CHECK(limited.answered("static.example.com", Rtype::A, "2001:db8:5::1") == 10);
    CHECK(limited.answered("static.example.com", Rtype::A, "2001:db8:6::1") == 5);
  }

  TEST_CASE("a client that returns our cookie is never limited") {
    Limited limited;
    limited.asker.settings().cookie_secrets.add(dns::CookieSecret{1, 2, 3});
    const auto ask_with = [&](const test::Bytes& cookie) {
      const auto packet = test::build_query(
          "static.example.com", Rtype::A, {.udp_size = 1232, .options = {{dns::EdnsOption::Cookie, cookie}}});
      return limited.asker.ask_bytes(packet, {*base::parse_ip_address("192.0.2.1"), false});
    };
    const auto first = dns::read_message(ask_with(test::Bytes(8, 7)));
    REQUIRE(first.has_value());
    const auto* option = first->edns->find_option(dns::EdnsOption::Cookie);
    REQUIRE(option != nullptr);
    const test::Bytes cookie(option->payload.begin(), option->payload.end());
    for (int i = 0; i < 20; ++i) CHECK_FALSE(ask_with(cookie).empty());
    CHECK(limited.count(Counter::RateLimitResponses) == 0);
    int answered = 0;
    for (int i = 0; i < 20; ++i) answered += ask_with(test::Bytes(8, 7)).empty() ? 0 : 1;
    CHECK(answered < 6);
  }

  TEST_CASE("a slipped answer brings a cookie, with which the client is answered in the midst of a flood") {
    Limited limited;
    limited.settings().slip = 1;
    limited.asker.settings().cookie_secrets.add(dns::CookieSecret{1, 2, 3});
    const auto query_with = [&](const test::Bytes& cookie) {
      return test::build_query("static.example.com", Rtype::A,
                               {.udp_size = 1232, .options = {{dns::EdnsOption::Cookie, cookie}}});
    };
    const query::Source client{*base::parse_ip_address("192.0.2.1"), false};
    CHECK(limited.answered("static.example.com", Rtype::A, "192.0.2.66") == 10);  // the flood
    // A client that is new, and one whose cookie is not ours.
    for (const std::size_t cookie_bytes : {8u, 24u, 40u}) {
      CAPTURE(cookie_bytes);
      const auto packet = query_with(test::Bytes(cookie_bytes, 7));
      const auto reply = limited.asker.ask_bytes(packet, client);
      CHECK(limited.asker.worker().summary.rate == RateAction::Slipped);
      // What a forged address gets in this way stays as short as the query and a cookie.
      CHECK(reply.size() <= packet.size() + dns::kServerCookieBytes);
      const auto slipped = dns::read_message(reply);
      REQUIRE(slipped.has_value());
      CHECK(slipped->is_truncated());
      const auto* option = slipped->edns->find_option(dns::EdnsOption::Cookie);
      REQUIRE(option != nullptr);
      REQUIRE(option->payload.size() == dns::kCookieBytes);
      const test::Bytes cookie(option->payload.begin(), option->payload.end());
      const auto answer = dns::read_message(limited.asker.ask_bytes(query_with(cookie), client));
      REQUIRE(answer.has_value());
      CHECK_FALSE(answer->is_truncated());
      CHECK(answer->section(dns::Section::Answer).size() == 1);
      CHECK(limited.asker.worker().summary.rate == RateAction::None);
    }
    CHECK(limited.count(Counter::CookiesValid) == 3);
  }

  TEST_CASE("a slipped answer has a cookie only for who sent one, and only when cookies are on") {
    Limited limited;
    limited.settings().slip = 1;
    const auto slipped_cookie = [&](std::vector<dns::Option> options) {
      limited.answered("static.example.com", Rtype::A);
      const auto packet = test::build_query("static.example.com", Rtype::A,
                                            {.udp_size = 1232, .options = std::move(options)});
      const auto reply = limited.asker.ask_bytes(packet, {*base::parse_ip_address("192.0.2.1"), false});
      CHECK(limited.asker.worker().summary.rate == RateAction::Slipped);
      const auto message = dns::read_message(reply);
      REQUIRE(message.has_value());
      return message->edns->find_option(dns::EdnsOption::Cookie) != nullptr;
    };
    CHECK_FALSE(slipped_cookie({{dns::EdnsOption::Cookie, test::Bytes(8, 7)}}));  // no secret: off
    limited.asker.settings().cookie_secrets.add(dns::CookieSecret{1, 2, 3});
    CHECK_FALSE(slipped_cookie({}));
    CHECK(slipped_cookie({{dns::EdnsOption::Cookie, test::Bytes(8, 7)}}));
  }

  TEST_CASE("the table goes from epoch to epoch while its size stays") {
    Limited limited;
    const auto& table = limited.asker.tables().rates;
    CHECK(rate_table_for(limited.settings(), table) == table);
    limited.settings().entries *= 2;
    CHECK(rate_table_for(limited.settings(), table) != table);
    limited.settings().enabled = false;
    CHECK(rate_table_for(limited.settings(), table) == nullptr);
  }
}

}  // namespace meridian::query

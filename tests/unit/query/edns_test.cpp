#include "query/edns.hpp"

#include "dns/cookie.hpp"
#include "unit/query/asker.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace meridian;
using dns::EdnsOption;
using dns::ExtendedError;
using dns::Rcode;
using dns::Rtype;
using stats::Counter;
using test::Asker;
using test::Bytes;
using test::from_hex;

namespace {

constexpr std::uint32_t kNow = 1'700'000'000;
constexpr dns::CookieSecret kSecret{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
const Bytes kClientCookie{8, 7, 6, 5, 4, 3, 2, 1};
const query::Source kUdp{*base::parse_ip_address("192.0.2.1"), false};
const query::Source kTcp{*base::parse_ip_address("192.0.2.1"), true};

void turn_on_cookies(Asker& asker, bool is_required) {
  asker.settings().cookie_secrets.add(kSecret);
  asker.settings().cookies_required = is_required;
  asker.worker().now.wall_s = kNow;
}

Bytes cookie_made(std::uint32_t at_s, const char* client = "192.0.2.1") {
  const auto made = dns::make_cookie(std::span{kClientCookie}.first<dns::kClientCookieBytes>(),
                                     *base::parse_ip_address(client), at_s, kSecret);
  return {made.begin(), made.end()};
}

test::QuerySpec with_cookie(const Bytes& payload) { return {.options = {{EdnsOption::Cookie, payload}}}; }

/// The reply's cookie; empty when it has none.
Bytes cookie_of(const dns::Message& message) {
  const auto* option = message.edns ? message.edns->find_option(EdnsOption::Cookie) : nullptr;
  return option == nullptr ? Bytes{} : option->payload;
}

/// Code and text of the reply's extended error; nothing when it has none.
std::optional<std::pair<ExtendedError, std::string>> extended_error_of(const dns::Message& message) {
  const auto* option = message.edns ? message.edns->find_option(EdnsOption::ExtendedError) : nullptr;
  if (option == nullptr || option->payload.size() < 2) return std::nullopt;
  return std::pair{static_cast<ExtendedError>(dns::load_u16(option->payload.data())),
                   std::string(option->payload.begin() + 2, option->payload.end())};
}

/// A header and OPT with these options, no question.
Bytes cookie_query(const Bytes& cookie) {
  Bytes packet = from_hex("1234 0000 0000 0000 0000 0001 00 0029 04d0 00000000");
  Bytes option;
  test::append_u16(option, static_cast<std::uint16_t>(EdnsOption::Cookie));
  test::append(option, test::length_prefixed(cookie));
  test::append(packet, test::length_prefixed(option));
  return packet;
}

constexpr Counter kCookieCounters[] = {Counter::CookiesValid,      Counter::CookiesInvalid,
                                       Counter::CookiesClientOnly, Counter::CookieOnly,
                                       Counter::BadCookie,         Counter::NoCookieTruncated};

std::vector<Counter> moved(Asker& asker) {
  std::vector<Counter> result;
  for (const auto counter : kCookieCounters) {
    if (asker.counters().value(counter) != 0) result.push_back(counter);
  }
  return result;
}

}  // namespace

TEST_SUITE("query/edns") {
  TEST_CASE("a client gets a server cookie, brings it back, and is known by it") {
    struct Row {
      const char* why;
      Bytes cookie;
      bool is_valid;
      Bytes expected;
      Counter counter;
    };
    const Row rows[] = {
        {"none yet", kClientCookie, false, cookie_made(kNow), Counter::CookiesClientOnly},
        {"fresh ones come back as they are", cookie_made(kNow - 60), true, cookie_made(kNow - 60),
         Counter::CookiesValid},
        {"past half an hour there is a new one", cookie_made(kNow - 1'801), true, cookie_made(kNow),
         Counter::CookiesValid},
        {"too old", cookie_made(kNow - 3'601), false, cookie_made(kNow), Counter::CookiesInvalid},
        {"of another client", cookie_made(kNow, "192.0.2.2"), false, cookie_made(kNow),
         Counter::CookiesInvalid},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      auto asker = test::standard_asker();
      turn_on_cookies(asker, false);
      const auto reply = asker.ask("static.example.com", Rtype::A, with_cookie(row.cookie));
      CHECK(reply.rcode == Rcode::NoError);
      CHECK(reply.section(dns::Section::Answer).size() == 1);
      CHECK(cookie_of(reply) == row.expected);
      CHECK(asker.worker().summary.has_valid_cookie == row.is_valid);
      CHECK(moved(asker) == std::vector{row.counter});
    }
  }

  TEST_CASE("without a secret, or without a cookie, there is no cookie") {
    auto off = test::standard_asker();
    CHECK(cookie_of(off.ask("static.example.com", Rtype::A, with_cookie(kClientCookie))).empty());
    CHECK(moved(off).empty());
    auto asker = test::standard_asker();
    turn_on_cookies(asker, false);
    CHECK(cookie_of(asker.ask("static.example.com", Rtype::A)).empty());
    CHECK_FALSE(asker.ask("static.example.com", Rtype::A, test::QuerySpec{}).edns.has_value());
    CHECK(moved(asker).empty());
  }

  TEST_CASE("what one query proved says nothing of the next") {
    auto asker = test::standard_asker();
    turn_on_cookies(asker, false);
    static_cast<void>(asker.ask("static.example.com", Rtype::A, with_cookie(cookie_made(kNow))));
    REQUIRE(asker.worker().summary.has_valid_cookie);
    static_cast<void>(asker.ask_bytes({1, 2, 3}, kUdp));
    CHECK_FALSE(asker.worker().summary.has_valid_cookie);
  }

  TEST_CASE("every error that has OPT has the cookie, and whoever proved its address is known") {
    auto asker = test::standard_asker();
    turn_on_cookies(asker, false);
    const auto spec = with_cookie(cookie_made(kNow));
    auto trailing = test::build_query("static.example.com", Rtype::A, spec);
    trailing.push_back(0);
    auto notify = spec;
    notify.opcode = dns::Opcode::Notify;
    const std::pair<Bytes, Rcode> rows[] = {
        {test::build_query("elsewhere.test", Rtype::A, spec), Rcode::Refused},
        {trailing, Rcode::FormErr},
        {test::build_query("example.com", Rtype::Soa, notify), Rcode::NotImp},
        {test::build_query("absent.example.com", Rtype::A, spec), Rcode::NxDomain},
    };
    for (const auto& [packet, rcode] : rows) {
      CAPTURE(dns::to_string(rcode));
      const auto reply = dns::read_message(asker.ask_bytes(packet, kUdp));
      REQUIRE(reply.has_value());
      CHECK(reply->rcode == rcode);
      CHECK(cookie_of(*reply) == cookie_made(kNow));
      CHECK(asker.worker().summary.has_valid_cookie);
    }
  }

  TEST_CASE("require: over UDP only who brings a server cookie is served") {
    struct Row {
      const char* why;
      std::optional<Bytes> cookie;
      Rcode rcode;
      bool is_truncated;
      bool is_served;
      std::vector<Counter> counters;
    };
    const Row rows[] = {
        {"no cookie at all: over TCP, please",
         std::nullopt,
         Rcode::NoError,
         true,
         false,
         {Counter::NoCookieTruncated}},
        {"a client cookie",
         kClientCookie,
         Rcode::BadCookie,
         false,
         false,
         {Counter::CookiesClientOnly, Counter::BadCookie}},
        {"too old",
         cookie_made(kNow - 3'601),
         Rcode::BadCookie,
         false,
         false,
         {Counter::CookiesInvalid, Counter::BadCookie}},
        {"a good one", cookie_made(kNow), Rcode::NoError, false, true, {Counter::CookiesValid}},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      for (const bool has_nsid : {false, true}) {
        auto asker = test::standard_asker();
        turn_on_cookies(asker, true);
        asker.settings().nsid = Bytes(base::limits::kNsidBytesMax, 'n');
        auto spec = row.cookie ? with_cookie(*row.cookie) : test::QuerySpec{.udp_size = 1232};
        if (has_nsid) spec.options.push_back({EdnsOption::Nsid, {}});
        const auto packet = test::build_query("static.example.com", Rtype::A, spec);
        const auto bytes = asker.ask_bytes(packet, kUdp);
        const auto reply = dns::read_message(bytes);
        REQUIRE(reply.has_value());
        CHECK(reply->rcode == row.rcode);
        CHECK(reply->is_truncated() == row.is_truncated);
        CHECK(reply->records.empty() != row.is_served);
        CHECK(moved(asker) == row.counters);
        if (row.cookie) CHECK(cookie_of(*reply) == cookie_made(kNow));
        if (row.is_served) continue;
        CHECK(asker.worker().summary.kind == query::AnswerKind::Cookie);
        CHECK(asker.worker().summary.is_truncated == row.is_truncated);
        CHECK(asker.worker().summary.rcode == row.rcode);
        // Never amplifying: at most the server cookie is new.
        CHECK(bytes.size() <= packet.size() + dns::kServerCookieBytes);
      }
      auto asker = test::standard_asker();
      turn_on_cookies(asker, true);
      const auto spec = row.cookie ? with_cookie(*row.cookie) : test::QuerySpec{};
      CHECK(asker.ask("static.example.com", Rtype::A, spec, kTcp).records.size() == 1);
    }
  }

  TEST_CASE("require: without EDNS there is TC and no OPT, as long as the query") {
    auto asker = test::standard_asker();
    turn_on_cookies(asker, true);
    const auto packet = test::build_query("elsewhere.test", Rtype::A);
    const auto bytes = asker.ask_bytes(packet, kUdp);
    const auto reply = dns::read_message(bytes);
    REQUIRE(reply.has_value());
    CHECK(reply->is_truncated());
    CHECK_FALSE(reply->edns.has_value());
    CHECK(bytes.size() == packet.size());
  }

  TEST_CASE("RFC 7873 5.4: a query of a cookie alone is answered with one") {
    struct Row {
      const char* why;
      Bytes cookie;
      Rcode rcode;
      std::vector<Counter> counters;
    };
    const Row rows[] = {
        {"a first one", kClientCookie, Rcode::NoError, {Counter::CookiesClientOnly, Counter::CookieOnly}},
        {"a good one", cookie_made(kNow), Rcode::NoError, {Counter::CookiesValid, Counter::CookieOnly}},
        {"one past its time",
         cookie_made(kNow - 3'601),
         Rcode::BadCookie,
         {Counter::CookiesInvalid, Counter::CookieOnly, Counter::BadCookie}},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      for (const bool is_required : {false, true}) {
        auto asker = test::standard_asker();
        turn_on_cookies(asker, is_required);
        const auto reply = dns::read_message(asker.ask_bytes(cookie_query(row.cookie), kUdp));
        REQUIRE(reply.has_value());
        CHECK(reply->rcode == row.rcode);
        CHECK_FALSE(reply->question.has_value());
        CHECK(reply->records.empty());
        CHECK(cookie_of(*reply) == cookie_made(kNow));
        CHECK(moved(asker) == row.counters);
        CHECK(asker.worker().summary.kind == query::AnswerKind::Cookie);
      }
    }
    auto off = test::standard_asker();
    const auto reply = dns::read_message(off.ask_bytes(cookie_query(kClientCookie), kUdp));
    REQUIRE(reply.has_value());
    CHECK(reply->rcode == Rcode::FormErr);
    CHECK(off.counters().value(Counter::FormErr) == 1);
  }

  TEST_CASE("RFC 7828: the idle time is told over TCP to who asks") {
    const test::QuerySpec asked{.options = {{EdnsOption::TcpKeepalive, {}}}};
    const test::QuerySpec wrong{.options = {{EdnsOption::TcpKeepalive, {0, 100}}}};
    auto asker = test::standard_asker();
    asker.settings().tcp_idle_ms = 12'345;
    const auto told = asker.ask("static.example.com", Rtype::A, asked, kTcp);
    REQUIRE(told.edns->find_option(EdnsOption::TcpKeepalive) != nullptr);
    CHECK(told.edns->find_option(EdnsOption::TcpKeepalive)->payload == Bytes{0, 123});
    CHECK(asker.ask("static.example.com", Rtype::A, wrong, kTcp).rcode == Rcode::FormErr);
    CHECK(asker.counters().value(Counter::FormErr) == 1);
    // Over UDP it means nothing, whatever it holds; and nobody is told who does not ask.
    CHECK(asker.ask("static.example.com", Rtype::A, asked, kUdp).edns->options.empty());
    CHECK(asker.ask("static.example.com", Rtype::A, wrong, kUdp).rcode == Rcode::NoError);
    CHECK(asker.ask("static.example.com", Rtype::A, {.udp_size = 1232}, kTcp).edns->options.empty());
    asker.settings().tcp_idle_ms = 7'000'000;
    CHECK(asker.ask("static.example.com", Rtype::A, asked, kTcp)
              .edns->find_option(EdnsOption::TcpKeepalive)
              ->payload == Bytes{0xff, 0xff});
  }

  TEST_CASE("RFC 8914: an extended error says what the response code does not") {
    auto asker = test::standard_asker();
    using Note = std::pair<ExtendedError, std::string>;
    CHECK(extended_error_of(asker.ask("elsewhere.test", Rtype::A)) ==
          Note{ExtendedError::NotAuthoritative, ""});
    CHECK(extended_error_of(asker.ask("example.com", Rtype::Axfr)) == Note{ExtendedError::NotSupported, ""});
    CHECK(extended_error_of(asker.ask("loop1.loop.test", Rtype::A)) ==
          Note{ExtendedError::Other, "CNAME loop"});
    CHECK_FALSE(extended_error_of(asker.ask("static.example.com", Rtype::A)).has_value());
    CHECK_FALSE(extended_error_of(asker.ask("absent.example.com", Rtype::A)).has_value());
    CHECK_FALSE(asker.ask("elsewhere.test", Rtype::A, test::QuerySpec{}).edns.has_value());

    for (const auto& endpoint : asker.snapshot().endpoints)
      asker.set_health(base::to_string(endpoint.address), health::EndpointState::Down);
    CHECK(extended_error_of(asker.ask("www.example.com", Rtype::A)) ==
          Note{ExtendedError::Other, "no healthy endpoint"});
  }

  TEST_CASE("an extended error is left out before a record is") {
    auto asker = test::standard_asker();
    for (const auto& endpoint : asker.snapshot().endpoints)
      asker.set_health(base::to_string(endpoint.address), health::EndpointState::Down);
    const std::string name = "www.example.com";
    const auto whole = asker.ask(name, Rtype::A, {.udp_size = 1232});
    REQUIRE(extended_error_of(whole).has_value());
    // A name server id that leaves room for the records and for nothing else.
    const Bytes packet =
        test::build_query(name, Rtype::A, {.udp_size = 512, .options = {{EdnsOption::Nsid, {}}}});
    const std::size_t records =
        asker.ask_bytes(test::build_query(name, Rtype::A, {.udp_size = 1232}), kUdp).size() - 4 - 2 -
        extended_error_of(whole)->second.size();
    const Bytes nsid(512 - records - dns::kOptionHeadBytes, 'n');
    asker.settings().nsid = nsid;
    const auto reply = dns::read_message(asker.ask_bytes(packet, kUdp));
    REQUIRE(reply.has_value());
    CHECK_FALSE(reply->is_truncated());
    CHECK(reply->records.size() == whole.records.size());
    CHECK(reply->edns->find_option(EdnsOption::Nsid) != nullptr);
    CHECK_FALSE(extended_error_of(*reply).has_value());
  }

  TEST_CASE("flags and options nobody knows are ignored and not sent back") {
    auto asker = test::standard_asker();
    auto packet = test::build_query(
        "static.example.com", Rtype::A,
        {.dnssec_ok = true,
         .options = {{static_cast<EdnsOption>(65'001), {1}}, {EdnsOption::Padding, Bytes(64, 0)}}});
    // The OPT record's flags stand 4 bytes before its length: 11 + 5 + 68 + … from the end.
    const std::size_t flags_at = packet.size() - (4 + 1 + 4 + 64) - 2 - 2;
    REQUIRE(packet[flags_at] == 0x80);
    packet[flags_at] = 0xff;
    packet[flags_at + 1] = 0xff;
    const auto bytes = asker.ask_bytes(packet, kUdp);
    const auto reply = dns::read_message(bytes);
    REQUIRE(reply.has_value());
    CHECK(reply->rcode == Rcode::NoError);
    CHECK(reply->edns->options.empty());
    CHECK(dns::load_u16(bytes.data() + bytes.size() - 4) == 0x8000);
  }
}

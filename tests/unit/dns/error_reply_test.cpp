#include "dns/error_reply.hpp"

#include "dns/message.hpp"
#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace meridian;
using dns::Rcode;
using dns::Rtype;
using test::build_query;
using test::Bytes;
using test::from_hex;

namespace {

/// The reply to a packet that parse_query refuses; empty for silence.
Bytes refuse(const Bytes& packet) {
  const auto query = dns::parse_query(packet);
  REQUIRE_FALSE(query.has_value());
  Bytes reply(512);
  reply.resize(dns::write_error_reply(packet, query.error(), reply));
  return reply;
}

dns::Message read(const Bytes& reply) {
  const auto message = dns::read_message(reply);
  REQUIRE(message.has_value());
  return *message;
}

}  // namespace

TEST_SUITE("dns/error_reply") {
  TEST_CASE("shorts and responses are met with silence") {
    CHECK(refuse(from_hex("1234 0000")).empty());
    auto response = build_query("www.example.com", Rtype::A);
    response[2] = 0x80;
    CHECK(refuse(response).empty());
  }

  TEST_CASE("an error repeats id, opcode, RD, CD and the question as it was asked") {
    auto packet = build_query("wWw.eXample.com", Rtype::Mx,
                              {.id = 0xabcd, .recursion_desired = true, .checking_disabled = true});
    packet[3] |= 0xe0;  // RA, Z and AD, none of which is ours to say
    packet.push_back(0);
    const Bytes reply = refuse(packet);
    CHECK(reply ==
          from_hex("abcd 8111 0001 0000 0000 0000 03 775777 07 6558616d706c65 03 636f6d 00 000f 0001"));
  }

  TEST_CASE("the response code follows the fault") {
    struct Row {
      const char* why;
      Bytes packet;
      Rcode rcode;
      bool has_question;
      bool has_opt;
    };
    const auto notify = build_query("example.com", Rtype::Soa, {.opcode = dns::Opcode::Notify});
    const auto badvers = build_query("example.com", Rtype::A, {.dnssec_ok = true, .edns_version = 9});
    auto bad_subnet = build_query("example.com", Rtype::A,
                                  {.options = {{dns::EdnsOption::ClientSubnet, from_hex("0001")}}});
    const Row rows[] = {
        {"no question to repeat", from_hex("1234 0000 0000 0000 0000 0000"), Rcode::FormErr, false, false},
        {"malformed question", from_hex("1234 0000 0001 0000 0000 0000 c00c 0001 0001"), Rcode::FormErr,
         false, false},
        {"another opcode", notify, Rcode::NotImp, true, false},
        {"another EDNS version", badvers, Rcode::BadVers, true, true},
        {"malformed client subnet, which is not echoed", bad_subnet, Rcode::FormErr, true, true},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const Bytes reply = refuse(row.packet);
      const auto message = read(reply);
      CHECK(message.rcode == row.rcode);
      CHECK(message.header.has(dns::header_bits::kResponse));
      CHECK(message.question.has_value() == row.has_question);
      CHECK(message.edns.has_value() == row.has_opt);
      CHECK(message.records.empty());
      CHECK(reply.size() <= row.packet.size());
      if (message.edns) {
        CHECK(message.edns->version == 0);
        CHECK(message.edns->options.empty());
      }
    }
    CHECK(read(refuse(notify)).header.opcode() == dns::Opcode::Notify);
    CHECK(read(refuse(badvers)).edns->dnssec_ok);
  }

  TEST_CASE("a good query can be refused, its client subnet echoed with scope 0") {
    const auto packet =
        build_query("example.com", Rtype::A,
                    {.dnssec_ok = true, .client_subnet = base::parse_ip_prefix("198.51.100.0/24").value()});
    const auto query = dns::parse_query(packet);
    REQUIRE(query.has_value());
    Bytes reply(512);
    reply.resize(dns::write_error_reply(packet, *query, Rcode::Refused, dns::echo_edns(query->edns), reply));
    const auto message = read(reply);
    CHECK(message.rcode == Rcode::Refused);
    CHECK_FALSE(message.is_authoritative());
    REQUIRE(message.edns.has_value());
    CHECK(message.edns->dnssec_ok);
    CHECK(message.edns->udp_size == 1232);
    CHECK(message.edns->client_subnet == query->edns.client_subnet);
    CHECK(reply.size() == packet.size());

    const auto without = build_query("example.com", Rtype::A);
    Bytes plain_reply(512);
    plain_reply.resize(
        dns::write_error_reply(without, *dns::parse_query(without), Rcode::ServFail, {}, plain_reply));
    CHECK(read(plain_reply).rcode == Rcode::ServFail);
    CHECK_FALSE(read(plain_reply).edns.has_value());
  }

  TEST_CASE("a malformed packet gets a cookie back only where that makes nothing larger") {
    struct Row {
      const char* why;
      std::size_t cookie_bytes;
      bool is_sent;
    };
    const Row rows[] = {{"a client cookie alone, one byte behind", 8, false}, {"a whole one", 24, true}};
    for (const auto& row : rows) {
      CAPTURE(row.why);
      auto packet = build_query("example.com", Rtype::A,
                                {.options = {{dns::EdnsOption::Cookie, Bytes(row.cookie_bytes, 1)}}});
      packet.push_back(0);
      const auto query = dns::parse_query(packet);
      REQUIRE_FALSE(query.has_value());
      CHECK(query.error().cookie.size() == row.cookie_bytes);
      Bytes reply(512);
      reply.resize(dns::write_error_reply(packet, query.error(), reply, dns::CookiePayload{}));
      const auto message = read(reply);
      CHECK(message.rcode == Rcode::FormErr);
      REQUIRE(message.edns.has_value());
      CHECK((message.edns->find_option(dns::EdnsOption::Cookie) != nullptr) == row.is_sent);
      CHECK(reply.size() <= packet.size());
    }
  }

  TEST_CASE("an operation we do not have is answered with OPT when it came with one") {
    const auto packet = build_query("example.com", Rtype::Soa,
                                    {.opcode = dns::Opcode::Notify,
                                     .dnssec_ok = true,
                                     .options = {{dns::EdnsOption::Cookie, Bytes(24, 1)}}});
    const auto query = dns::parse_query(packet);
    REQUIRE_FALSE(query.has_value());
    Bytes reply(512);
    reply.resize(dns::write_error_reply(packet, query.error(), reply, dns::CookiePayload{}));
    const auto message = read(reply);
    CHECK(message.rcode == Rcode::NotImp);
    REQUIRE(message.edns.has_value());
    CHECK(message.edns->dnssec_ok);
    CHECK(message.edns->find_option(dns::EdnsOption::Cookie) != nullptr);
  }

  TEST_CASE("ask over TCP: the question, TC, and OPT when there was one") {
    for (const bool has_edns : {false, true}) {
      CAPTURE(has_edns);
      const auto packet = has_edns ? build_query("example.com", Rtype::A, {.udp_size = 1232})
                                   : build_query("example.com", Rtype::A);
      Bytes reply(512);
      reply.resize(dns::write_truncated_reply(packet, *dns::parse_query(packet), {}, reply));
      const auto message = read(reply);
      CHECK(message.is_truncated());
      CHECK(message.rcode == Rcode::NoError);
      CHECK(message.records.empty());
      CHECK(message.edns.has_value() == has_edns);
      CHECK(reply.size() == packet.size());
    }
  }

  TEST_CASE("a buffer too small means silence") {
    const auto packet = build_query("example.com", Rtype::A, {.udp_size = 1232});
    const auto query = dns::parse_query(packet);
    REQUIRE(query.has_value());
    Bytes reply(packet.size() - 1);
    CHECK(dns::write_error_reply(packet, *query, Rcode::Refused, {}, reply) == 0);
    reply.resize(packet.size());
    CHECK(dns::write_error_reply(packet, *query, Rcode::Refused, {}, reply) == packet.size());
  }
}

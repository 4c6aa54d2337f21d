#include "bgp/agent/self_query.hpp"

#include "dns/client.hpp"
#include "dns/edns.hpp"
#include "dns/message.hpp"
#include "dns/query.hpp"
#include "dns/writer.hpp"
#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace meridian::agent {
namespace {

using test::Bytes;
using test::name_of;

constexpr std::uint16_t kId = 0x4711;

SelfQuery query_for(std::string_view name, dns::Rtype type) {
  SelfQuery query;
  query.name = name_of(name);
  query.type = type;
  return query;
}

base::IpAddress address(std::string_view text) { return *base::parse_ip_address(text); }

/// What a server answers.
struct Reply {
  dns::Rcode rcode = dns::Rcode::NoError;
  bool is_authoritative = true;
  bool is_truncated = false;
  std::string nsid = "ams1";
  std::vector<Bytes> addresses = {{192, 0, 2, 1}};
};

Bytes reply_to(const SelfQuery& query, const Reply& spec) {
  const auto packet = write_query(query, kId);
  const auto parsed = dns::parse_query(packet);
  REQUIRE(parsed);
  Bytes reply(512);
  dns::MessageWriter writer(reply, reply.size());
  writer.begin_reply(*parsed, packet, spec.rcode);
  if (spec.is_authoritative) writer.set_authoritative();
  if (spec.is_truncated) writer.set_truncated();
  for (const auto& bytes : spec.addresses) {
    REQUIRE(writer.add_rrset(dns::Section::Answer, query.name, query.type, 30, test::length_prefixed(bytes)));
  }
  const Bytes nsid(spec.nsid.begin(), spec.nsid.end());
  REQUIRE(writer.write_opt({.nsid = nsid}));
  reply.resize(writer.finish());
  return reply;
}

}  // namespace

TEST_SUITE("agent/self_query") {
  TEST_CASE("a query asks for NSID and sends its client subnet") {
    auto query = query_for("WWW.example.com", dns::Rtype::A);
    query.client_subnet = *base::parse_ip_prefix("198.51.100.0/24");
    const auto parsed = dns::parse_query(write_query(query, kId));
    REQUIRE(parsed);
    CHECK(parsed->id == kId);
    CHECK(parsed->type == dns::Rtype::A);
    CHECK(parsed->edns.nsid_requested);
    REQUIRE(parsed->edns.client_subnet);
    CHECK(parsed->edns.client_subnet->source == *query.client_subnet);
    CHECK(to_string(query) == "A WWW.example.com for 198.51.100.0/24");
    const auto plain = dns::parse_query(write_query(query_for("example.com", dns::Rtype::Soa), kId));
    REQUIRE(plain);
    CHECK_FALSE(plain->edns.client_subnet);
  }

  TEST_CASE("only a response with this id to this question is a reply") {
    const auto query = query_for("www.example.com", dns::Rtype::A);
    const auto good = reply_to(query, {});
    CHECK(dns::is_reply_to(write_query(query, kId), good));
    CHECK_FALSE(dns::is_reply_to(write_query(query, kId + 1), good));
    CHECK_FALSE(dns::is_reply_to(write_query(query_for("ww2.example.com", dns::Rtype::A), kId), good));
    CHECK_FALSE(dns::is_reply_to(write_query(query_for("www.example.com", dns::Rtype::Aaaa), kId), good));
    CHECK_FALSE(dns::is_reply_to(write_query(query, kId), write_query(query, kId)));
    for (std::size_t bytes = 0; bytes < dns::kHeaderBytes + 21; ++bytes)
      CHECK_FALSE(dns::is_reply_to(write_query(query, kId), std::span{good}.first(bytes)));
  }

  TEST_CASE("what each reply is taken for") {
    struct Row {
      const char* why;
      SelfQuery::Expect expect;
      std::vector<base::IpAddress> addresses;
      Reply reply;
      Verdict verdict;
      const char* fault;
    };
    const auto answer = SelfQuery::Expect::Answer;
    const Row rows[] = {
        {"as it should be", answer, {}, {}, Verdict::Right, ""},
        {"one of the addresses",
         answer,
         {address("192.0.2.9"), address("192.0.2.1")},
         {},
         Verdict::Right,
         ""},
        {"another address",
         answer,
         {address("192.0.2.9")},
         {},
         Verdict::Wrong,
         "an address that is none of those expected: 192.0.2.1"},
        {"another site", answer, {}, {.nsid = "fra1"}, Verdict::Foreign, "answered by site fra1"},
        {"another site's error is another site's",
         answer,
         {},
         {.rcode = dns::Rcode::ServFail, .nsid = "fra1"},
         Verdict::Foreign,
         "answered by site fra1"},
        {"nobody's", answer, {}, {.nsid = ""}, Verdict::Wrong, "an answer that names no site"},
        {"SERVFAIL",
         answer,
         {},
         {.rcode = dns::Rcode::ServFail, .addresses = {}},
         Verdict::Wrong,
         "SERVFAIL"},
        {"REFUSED", answer, {}, {.rcode = dns::Rcode::Refused, .addresses = {}}, Verdict::Wrong, "REFUSED"},
        {"NXDOMAIN where there was something",
         answer,
         {},
         {.rcode = dns::Rcode::NxDomain, .addresses = {}},
         Verdict::Wrong,
         "NXDOMAIN"},
        {"empty", answer, {}, {.addresses = {}}, Verdict::Wrong, "an answer without records"},
        {"cut", answer, {}, {.is_truncated = true, .addresses = {}}, Verdict::Right, ""},
        {"not authoritative",
         answer,
         {},
         {.is_authoritative = false},
         Verdict::Wrong,
         "an answer without authority"},
        {"a name that is not",
         SelfQuery::Expect::NoAddress,
         {},
         {.rcode = dns::Rcode::NxDomain, .addresses = {}},
         Verdict::Right,
         ""},
        {"a name that should not be",
         SelfQuery::Expect::NoAddress,
         {},
         {},
         Verdict::Wrong,
         "NOERROR where NXDOMAIN is right"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      auto query = query_for("www.example.com", dns::Rtype::A);
      query.expect = row.expect;
      query.addresses = row.addresses;
      const auto judged = judge_reply(query, "ams1", reply_to(query, row.reply));
      CHECK(judged.verdict == row.verdict);
      CHECK(judged.fault == row.fault);
    }
  }

  TEST_CASE("IPv6 addresses are compared too") {
    auto query = query_for("www.example.com", dns::Rtype::Aaaa);
    query.addresses = {address("2001:db8::1")};
    const auto bytes = query.addresses[0].bytes;
    const Bytes right(bytes.begin(), bytes.end());
    auto wrong = right;
    wrong[15] = 2;
    CHECK(judge_reply(query, "ams1", reply_to(query, {.addresses = {right}})).verdict == Verdict::Right);
    CHECK(judge_reply(query, "ams1", reply_to(query, {.addresses = {right, wrong}})).verdict ==
          Verdict::Wrong);
  }

  TEST_CASE("a reply cut off anywhere is wrong and nothing worse") {
    const auto query = query_for("www.example.com", dns::Rtype::A);
    const auto whole = reply_to(query, {});
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes)
      CHECK(judge_reply(query, "ams1", std::span{whole}.first(bytes)).verdict == Verdict::Wrong);
  }

  TEST_CASE("a transport that is silent while the other one answers shows") {
    using Transport = RoundTally::Transport;
    RoundTally tally;
    CHECK_FALSE(tally.round().was_asked());
    tally.add(Transport::Udp, Verdict::Right);
    tally.add_silence(Transport::Tcp);
    CHECK(tally.round().has_silent_transport);
    CHECK_FALSE(tally.round().is_silent());
    CHECK_FALSE(tally.round().is_clean());
    tally.add(Transport::Tcp, Verdict::Wrong);
    CHECK_FALSE(tally.round().has_silent_transport);
    RoundTally none;
    none.add_silence(Transport::Udp);
    none.add_silence(Transport::Tcp);
    CHECK(none.round().is_silent());
    CHECK_FALSE(none.round().has_silent_transport);
    RoundTally foreign;
    foreign.add(Transport::Udp, Verdict::Foreign);
    CHECK(foreign.round().foreign == 1);
    CHECK_FALSE(foreign.round().is_answered());
  }
}

}  // namespace meridian::agent

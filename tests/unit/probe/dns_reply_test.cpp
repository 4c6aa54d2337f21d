#include "probe/dns_reply.hpp"

#include "dns/header.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace meridian;

namespace {

using Packet = std::vector<std::uint8_t>;

constexpr std::uint16_t kId = 0x1234;

config::DnsCheck make_check(const char* type = "A", const char* answer = "") {
  config::DnsCheck check;
  check.name = *dns::Name::parse("www.Example.com");
  check.type = type;
  check.answer = answer;
  return check;
}

/// A reply to the question: the query with QR set, and records that point back to the question's name.
Packet make_reply(const probe::DnsQuestion& question, dns::Rtype type, const std::vector<Packet>& records,
                  std::uint16_t bits = 0) {
  Packet packet = question.write_query(kId);
  dns::store_u16(packet.data() + 2, static_cast<std::uint16_t>(dns::header_bits::kResponse | bits));
  dns::store_u16(packet.data() + 6, static_cast<std::uint16_t>(records.size()));
  for (const Packet& rdata : records) {
    Packet record(12);
    dns::store_u16(record.data(), dns::kPointerMark | dns::kQuestionNameOffset);
    dns::store_u16(record.data() + 2, static_cast<std::uint16_t>(type));
    dns::store_u16(record.data() + 4, 1);
    dns::store_u16(record.data() + 10, static_cast<std::uint16_t>(rdata.size()));
    packet.insert(packet.end(), record.begin(), record.end());
    packet.insert(packet.end(), rdata.begin(), rdata.end());
  }
  return packet;
}

const Packet kOne{192, 0, 2, 1};
const Packet kTwo{192, 0, 2, 2};

}  // namespace

TEST_SUITE("probe/dns_reply") {
  TEST_CASE("a reply has the id, the question and the response bit") {
    const auto question = probe::DnsQuestion::make(make_check());
    REQUIRE(question.has_value());
    const Packet reply = make_reply(*question, dns::Rtype::A, {kOne});
    CHECK(question->is_reply(kId, reply));
    CHECK_FALSE(question->is_reply(kId + 1, reply));
    CHECK_FALSE(question->is_reply(kId, question->write_query(kId)));
    for (std::size_t size = 0; size < question->write_query(kId).size(); ++size)
      CHECK_FALSE(question->is_reply(kId, std::span{reply}.first(size)));
    Packet other = reply;
    other[dns::kHeaderBytes + 1] = 'x';  // the name
    CHECK_FALSE(question->is_reply(kId, other));
    other = reply;
    other[question->write_query(kId).size() - 3] = 28;  // the type
    CHECK_FALSE(question->is_reply(kId, other));
  }

  TEST_CASE("a reply without a question counts when it says why") {
    const auto question = probe::DnsQuestion::make(make_check());
    Packet reply(dns::kHeaderBytes);
    dns::store_u16(reply.data(), kId);
    dns::store_u16(reply.data() + 2, dns::header_bits::kResponse | 1);
    CHECK(question->is_reply(kId, reply));
    CHECK(question->find_fault(reply) == "dns: FORMERR");
    dns::store_u16(reply.data() + 2, dns::header_bits::kResponse);
    CHECK_FALSE(question->is_reply(kId, reply));
  }

  TEST_CASE("any record will do, unless the check names one") {
    const auto any = probe::DnsQuestion::make(make_check());
    CHECK(any->find_fault(make_reply(*any, dns::Rtype::A, {kOne})) == "");
    CHECK(any->find_fault(make_reply(*any, dns::Rtype::A, {})) == "dns: an answer without records");
    const auto two = probe::DnsQuestion::make(make_check("A", "192.0.2.2"));
    REQUIRE(two.has_value());
    CHECK(two->find_fault(make_reply(*two, dns::Rtype::A, {kOne, kTwo})) == "");
    CHECK(two->find_fault(make_reply(*two, dns::Rtype::A, {kOne})) ==
          "dns: 1 records, none of them A 192.0.2.2");
    CHECK(two->find_fault(make_reply(*two, dns::Rtype::Txt, {kTwo})) != "");
  }

  TEST_CASE("an error, a truncated and a malformed reply are told apart") {
    const auto question = probe::DnsQuestion::make(make_check());
    CHECK(question->find_fault(make_reply(*question, dns::Rtype::A, {}, 2)) == "dns: SERVFAIL");
    CHECK(question->find_fault(make_reply(*question, dns::Rtype::A, {}, dns::header_bits::kTruncated)) ==
          "dns: the answer is truncated; probe over TCP");
    Packet cut = make_reply(*question, dns::Rtype::A, {kOne});
    cut.pop_back();
    CHECK(question->find_fault(cut).starts_with("dns: malformed reply: "));
  }

  TEST_CASE("names in an expected answer are compared without regard to case, the rest byte by byte") {
    const auto mx = probe::DnsQuestion::make(make_check("MX", "10 MAIL.example."));
    REQUIRE(mx.has_value());
    const Packet right{0, 10, 4, 'm', 'a', 'i', 'l', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
    CHECK(mx->find_fault(make_reply(*mx, dns::Rtype::Mx, {right})) == "");
    Packet wrong = right;
    wrong[1] = 11;
    CHECK(mx->find_fault(make_reply(*mx, dns::Rtype::Mx, {wrong})) != "");
    const auto txt = probe::DnsQuestion::make(make_check("TXT", "\"Up now\""));
    REQUIRE(txt.has_value());
    CHECK(txt->find_fault(make_reply(*txt, dns::Rtype::Txt, {{6, 'U', 'p', ' ', 'n', 'o', 'w'}})) == "");
    CHECK(txt->find_fault(make_reply(*txt, dns::Rtype::Txt, {{6, 'u', 'p', ' ', 'n', 'o', 'w'}})) != "");
  }

  TEST_CASE("what cannot be asked or compared is told") {
    CHECK(probe::DnsQuestion::make(make_check("AAAAA")).error() == "dns: unknown type 'AAAAA'");
    CHECK(probe::DnsQuestion::make(make_check("A", "300.1.1.1")).error().starts_with("dns: "));
    CHECK_FALSE(probe::DnsQuestion::make(make_check("A", ";")).has_value());
  }
}

#include "dns/query.hpp"

#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <type_traits>
#include <vector>

using namespace meridian;
using dns::EdnsOption;
using dns::Opcode;
using dns::parse_query;
using dns::Query;
using dns::QueryFault;
using dns::Rcode;
using dns::Rtype;
using test::build_query;
using test::Bytes;
using test::from_hex;

namespace {

// A question is 12 + 17 + 4 bytes here: "www.example.com" takes 17.
constexpr std::uint16_t kQuestionEnd = 33;
constexpr std::size_t kAdditionalCountAt = 11;

/// `query` with one more record behind it and the count of its section raised.
Bytes with_record(Bytes query, std::size_t count_at, std::string_view record_hex) {
  ++query[count_at];
  test::append(query, from_hex(record_hex));
  return query;
}

Bytes plain() { return build_query("www.example.com", Rtype::A); }

Bytes with_edns() { return build_query("www.example.com", Rtype::A, {.udp_size = 1232}); }

/// with_edns() with `record_hex` between the question and the OPT record.
Bytes with_edns_behind(std::string_view record_hex) {
  Bytes packet = with_edns();
  const Bytes record = from_hex(record_hex);
  packet.insert(packet.begin() + kQuestionEnd, record.begin(), record.end());
  return packet;
}

Bytes with_option(EdnsOption code, std::string_view payload_hex) {
  return build_query("www.example.com", Rtype::A, {.options = {{code, from_hex(payload_hex)}}});
}

Bytes with_options(std::size_t count) {
  return build_query("www.example.com", Rtype::A,
                     {.options = std::vector<dns::Option>(count, {EdnsOption::Padding, {1, 2}})});
}

Bytes patched(Bytes packet, std::size_t at, std::uint8_t value) {
  packet.at(at) = value;
  return packet;
}

Bytes cut(Bytes packet, std::size_t size) {
  packet.resize(size);
  return packet;
}

Bytes with_trailing_byte(Bytes packet) {
  packet.push_back(0);
  return packet;
}

/// Header with one question, then whatever.
Bytes with_question(std::string_view question_hex) {
  Bytes packet = from_hex("1234 0000 0001 0000 0000 0000");
  test::append(packet, from_hex(question_hex));
  return packet;
}

struct Refusal {
  const char* why;
  Bytes packet;
  QueryFault fault;
  bool edns_present = false;
  std::uint16_t question_end = kQuestionEnd;
};

void check_refusals(const std::vector<Refusal>& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto query = parse_query(row.packet);
    REQUIRE_FALSE(query.has_value());
    CHECK(query.error().fault == row.fault);
    CHECK(query.error().edns_present == row.edns_present);
    CHECK(query.error().question_end == row.question_end);
  }
}

}  // namespace

TEST_SUITE("dns/query") {
  static_assert(std::is_trivially_copyable_v<Query>);

  TEST_CASE("a plain query is its question and two flags") {
    const auto query =
        parse_query(build_query("wWw.Example.COM", Rtype::Aaaa, {.id = 0xbeef, .recursion_desired = true}));
    REQUIRE(query.has_value());
    CHECK(query->id == 0xbeef);
    CHECK(query->recursion_desired);
    CHECK_FALSE(query->checking_disabled);
    CHECK(query->opcode == Opcode::Query);
    CHECK(to_string(query->name) == "www.example.com");
    CHECK(query->type == Rtype::Aaaa);
    CHECK(query->rclass == dns::Rclass::In);
    CHECK(query->question_end == kQuestionEnd);
    CHECK_FALSE(query->edns.present);
    CHECK(query->edns.udp_size == 512);
    CHECK(dns::udp_reply_bytes_max(*query) == 512);
  }

  TEST_CASE("class, type and CD are passed on, the root is a name") {
    const auto query = parse_query(
        build_query(".", static_cast<Rtype>(65280), {.rclass = dns::Rclass::Ch, .checking_disabled = true}));
    REQUIRE(query.has_value());
    CHECK(query->name.view().is_root());
    CHECK(query->type == static_cast<Rtype>(65280));
    CHECK(query->rclass == dns::Rclass::Ch);
    CHECK(query->checking_disabled);
    CHECK(query->question_end == 17);
  }

  TEST_CASE("the OPT record says what the client wants") {
    const auto network = base::parse_ip_prefix("198.51.100.0/24").value();
    // The query looks into the packet for its cookie.
    const auto packet = build_query("www.example.com", Rtype::A,
                                    {.udp_size = 4096,
                                     .dnssec_ok = true,
                                     .client_subnet = network,
                                     .options = {{EdnsOption::Cookie, from_hex("0102030405060708")},
                                                 {EdnsOption::Nsid, {}},
                                                 {static_cast<EdnsOption>(65001), from_hex("ff")}}});
    const auto query = parse_query(packet);
    REQUIRE(query.has_value());
    CHECK(query->edns.present);
    CHECK(query->edns.dnssec_ok);
    CHECK(query->edns.nsid_requested);
    CHECK(query->edns.version == 0);
    CHECK(query->edns.udp_size == 4096);
    CHECK(Bytes(query->edns.cookie.begin(), query->edns.cookie.end()) == from_hex("0102030405060708"));
    CHECK(query->edns.tcp_keepalive == dns::KeepaliveRequest::Absent);
    REQUIRE(query->edns.client_subnet.has_value());
    CHECK(query->edns.client_subnet->source == network);
    CHECK(dns::udp_reply_bytes_max(*query) == 1232);
  }

  TEST_CASE("a client's buffer counts from 512 to our 1232 bytes") {
    struct Row {
      const char* why;
      std::uint16_t sent;
      std::uint16_t taken;
      std::size_t reply_max;
    };
    const Row rows[] = {
        {"RFC 6891 6.2.5: less than 512 is 512", 0, 512, 512},
        {"one less", 511, 512, 512},
        {"exactly", 512, 512, 512},
        {"between", 1000, 1000, 1000},
        {"ours", 1232, 1232, 1232},
        {"more than we send", 65535, 65535, 1232},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto query = parse_query(build_query("www.example.com", Rtype::A, {.udp_size = row.sent}));
      REQUIRE(query.has_value());
      CHECK(query->edns.udp_size == row.taken);
      CHECK(dns::udp_reply_bytes_max(*query) == row.reply_max);
    }
  }

  TEST_CASE("records that mean nothing to us are skipped") {
    struct Row {
      const char* why;
      Bytes packet;
      bool edns_present;
    };
    const Row rows[] = {
        {"TSIG behind the question",
         with_record(plain(), kAdditionalCountAt, "01 6b 00 00fa 00ff 00000000 0003 010203"), false},
        {"TSIG behind OPT", with_record(with_edns(), kAdditionalCountAt, "01 6b 00 00fa 00ff 00000000 0000"),
         true},
        {"an owner that is a pointer",
         with_record(plain(), kAdditionalCountAt, "c00c 0001 0001 00000000 0004 c0000201"), false},
        {"32 options", with_options(base::limits::kEdnsOptionsMax), true},
        {"a client subnet of family 0", with_option(EdnsOption::ClientSubnet, "0000 00 00"), true},
        {"an NSID option with a payload, against RFC 5001", with_option(EdnsOption::Nsid, "ff"), true},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto query = parse_query(row.packet);
      REQUIRE(query.has_value());
      CHECK(query->edns.present == row.edns_present);
      CHECK_FALSE(query->edns.client_subnet.has_value());
    }
  }

  TEST_CASE("an IXFR query shows its SOA in the authority section") {
    Bytes packet = build_query("example.com", Rtype::Ixfr);
    const std::string_view soa =
        "c00c 0006 0001 00000000 0016 00 00 00000001 00000000 00000000 00000000 00000000";
    const auto query = parse_query(with_record(packet, 9, soa));
    REQUIRE(query.has_value());
    CHECK(query->type == Rtype::Ixfr);

    check_refusals({
        {"an IXFR query with an answer", with_record(packet, 7, soa), QueryFault::RecordsPresent, false, 29},
        {"the SOA is cut off", cut(with_record(packet, 9, soa), 40), QueryFault::Record, false, 29},
        {"its rdata is cut off", cut(with_record(packet, 9, soa), 50), QueryFault::Record, false, 29},
        {"its owner is malformed", with_record(packet, 9, "40"), QueryFault::Record, false, 29},
    });
  }

  TEST_CASE("what cannot be a query gets no answer") {
    const std::vector<Refusal> rows = {
        {"nothing", {}, QueryFault::TooShort, false, 0},
        {"11 bytes", cut(plain(), 11), QueryFault::TooShort, false, 0},
        {"a response", patched(plain(), 2, 0x80), QueryFault::IsResponse, false, 0},
        {"a response of another opcode", patched(plain(), 2, 0xa8), QueryFault::IsResponse, false, 0},
    };
    check_refusals(rows);
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(parse_query(row.packet).error().is_silent());
    }
  }

  TEST_CASE("another opcode is not implemented, and its question repeated where there is one") {
    const std::vector<Refusal> rows = {
        {"NOTIFY", build_query("www.example.com", Rtype::Soa, {.opcode = Opcode::Notify}),
         QueryFault::OpcodeUnknown},
        {"an opcode nobody assigned", patched(plain(), 2, 0x78), QueryFault::OpcodeUnknown},
        {"STATUS without a question", from_hex("1234 1000 0000 0000 0000 0000"), QueryFault::OpcodeUnknown,
         false, 0},
        {"two questions", patched(patched(plain(), 2, 0x28), 5, 2), QueryFault::OpcodeUnknown, false, 0},
        {"a malformed question", cut(patched(plain(), 2, 0x28), 30), QueryFault::OpcodeUnknown, false, 0},
        {"what is wrong behind it does not matter", with_record(patched(plain(), 2, 0x28), 7, "ff"),
         QueryFault::OpcodeUnknown},
        {"RFC 6891 6.1.1: who sends OPT gets OPT", patched(with_edns(), 2, 0x28), QueryFault::OpcodeUnknown,
         true},
        {"an UPDATE with a record before its OPT",
         patched(with_record(with_edns_behind("00 0001 0001 00000000 0004 c0000201"), 9, ""), 2, 0x28),
         QueryFault::OpcodeUnknown, true},
        {"an UPDATE with OPT and a byte behind it", with_trailing_byte(patched(with_edns(), 2, 0x28)),
         QueryFault::OpcodeUnknown, true},
    };
    check_refusals(rows);
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto error = parse_query(row.packet).error();
      CHECK_FALSE(error.is_silent());
      CHECK(error.rcode() == Rcode::NotImp);
    }
  }

  TEST_CASE("a malformed question is a format error") {
    const std::vector<Refusal> rows = {
        {"no question", from_hex("1234 0000 0000 0000 0000 0000"), QueryFault::QuestionCount, false, 0},
        {"two questions", patched(plain(), 5, 2), QueryFault::QuestionCount, false, 0},
        {"257 questions", patched(plain(), 4, 1), QueryFault::QuestionCount, false, 0},
        {"a header only", with_question(""), QueryFault::Question, false, 0},
        {"the name is cut off", with_question("03 7777"), QueryFault::Question, false, 0},
        {"no final zero", with_question("01 77"), QueryFault::Question, false, 0},
        {"nothing after the name", with_question("01 77 00"), QueryFault::Question, false, 0},
        {"half a class", with_question("01 77 00 0001 00"), QueryFault::Question, false, 0},
        {"a pointer, which can lead nowhere yet", with_question("c004 0001 0001"), QueryFault::Question,
         false, 0},
        {"a label of 64 bytes", with_question("40 00 0001 0001"), QueryFault::Question, false, 0},
    };
    check_refusals(rows);
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(parse_query(row.packet).error().rcode() == Rcode::FormErr);
    }
  }

  TEST_CASE("malformed records are a format error") {
    constexpr std::string_view kAddress = "c00c 0001 0001 00000000 0004 c0000201";
    const std::vector<Refusal> rows = {
        {"an answer in a query", with_record(plain(), 7, kAddress), QueryFault::RecordsPresent},
        {"authority in a query", with_record(plain(), 9, kAddress), QueryFault::RecordsPresent},
        {"a record that is not there", with_record(plain(), kAdditionalCountAt, ""), QueryFault::Record},
        {"many that are not there", patched(plain(), 10, 0xff), QueryFault::Record},
        {"its owner is malformed", with_record(plain(), kAdditionalCountAt, "40 00"), QueryFault::Record},
        {"only an owner", with_record(plain(), kAdditionalCountAt, "00"), QueryFault::Record},
        {"half a length", with_record(plain(), kAdditionalCountAt, "00 0001 0001 00000000 00"),
         QueryFault::Record},
        {"rdata past the end", with_record(plain(), kAdditionalCountAt, "00 0001 0001 00000000 0004 c00002"),
         QueryFault::Record},
        {"the OPT's rdata past the end",
         with_record(plain(), kAdditionalCountAt, "00 0029 0200 00000000 0001"), QueryFault::Record},
        {"one fault after a good OPT", with_record(with_edns(), kAdditionalCountAt, "40"), QueryFault::Record,
         true},
        {"a byte behind the question", with_trailing_byte(plain()), QueryFault::TrailingBytes},
        {"a byte behind the OPT", with_trailing_byte(with_edns()), QueryFault::TrailingBytes, true},
    };
    check_refusals(rows);
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(parse_query(row.packet).error().rcode() == Rcode::FormErr);
    }
  }

  TEST_CASE("of several cookies the first one counts, whatever the others are") {
    const auto several = build_query("www.example.com", Rtype::A,
                                     {.options = {{EdnsOption::Cookie, Bytes(8, 1)},
                                                  {EdnsOption::Cookie, Bytes(24, 2)},
                                                  {EdnsOption::Cookie, Bytes(3, 3)}}});
    const auto query = parse_query(several);
    REQUIRE(query.has_value());
    CHECK(Bytes(query->edns.cookie.begin(), query->edns.cookie.end()) == Bytes(8, 1));
    for (const std::size_t size : {16u, 24u, 40u}) {
      CAPTURE(size);
      const auto packet =
          build_query("www.example.com", Rtype::A, {.options = {{EdnsOption::Cookie, Bytes(size, 1)}}});
      REQUIRE(parse_query(packet).has_value());
      CHECK(parse_query(packet)->edns.cookie.size() == size);
    }
  }

  TEST_CASE("a TCP keepalive is asked for with an empty option") {
    CHECK(parse_query(with_option(EdnsOption::TcpKeepalive, ""))->edns.tcp_keepalive ==
          dns::KeepaliveRequest::Asked);
    CHECK(parse_query(with_option(EdnsOption::TcpKeepalive, "0064"))->edns.tcp_keepalive ==
          dns::KeepaliveRequest::Malformed);
  }

  TEST_CASE("RFC 7873 5.4: a query without a question may ask for a server cookie") {
    const Bytes cookie_only =
        from_hex("1234 0000 0000 0000 0000 0001 00 0029 04d0 00000000 000c 000a 0008 0102030405060708");
    const std::vector<Refusal> rows = {
        {"a client cookie", cookie_only, QueryFault::CookieOnly, true, 0},
        {"no cookie", from_hex("1234 0000 0000 0000 0000 0001 00 0029 04d0 00000000 0000"),
         QueryFault::QuestionCount, true, 0},
        {"no OPT", from_hex("1234 0000 0000 0000 0000 0000"), QueryFault::QuestionCount, false, 0},
        {"a byte behind it", with_trailing_byte(cookie_only), QueryFault::TrailingBytes, true, 0},
        {"OPT cut off", cut(cookie_only, 30), QueryFault::Record, false, 0},
        {"an answer", patched(cookie_only, 7, 1), QueryFault::RecordsPresent, false, 0},
        {"another version", patched(cookie_only, 18, 1), QueryFault::EdnsVersion, true, 0},
    };
    check_refusals(rows);
    const auto error = parse_query(cookie_only).error();
    CHECK(Bytes(error.cookie.begin(), error.cookie.end()) == from_hex("0102030405060708"));
  }

  TEST_CASE("a malformed OPT record is a format error that is answered with OPT") {
    constexpr std::string_view kSubnet = "0001 18 00 c63364";
    const Bytes twice_subnet = build_query("www.example.com", Rtype::A,
                                           {.options = {{EdnsOption::ClientSubnet, from_hex(kSubnet)},
                                                        {EdnsOption::ClientSubnet, from_hex(kSubnet)}}});
    const Bytes unknown_then_known =
        build_query("www.example.com", Rtype::A,
                    {.options = {{EdnsOption::ClientSubnet, from_hex("0000 00 00")},
                                 {EdnsOption::ClientSubnet, from_hex(kSubnet)}}});
    const std::vector<Refusal> rows = {
        {"its owner is not the root",
         with_record(plain(), kAdditionalCountAt, "01 61 00 0029 0200 00000000 0000"), QueryFault::OptOwner},
        {"its owner points at a root",
         with_record(plain(), kAdditionalCountAt, "c01c 0029 0200 00000000 0000"), QueryFault::OptOwner},
        {"a second OPT", with_record(with_edns(), kAdditionalCountAt, "00 0029 0200 00000000 0000"),
         QueryFault::OptTwice, true},
        {"half an option's head",
         with_record(plain(), kAdditionalCountAt, "00 0029 0200 00000000 0003 000300"), QueryFault::Options,
         true},
        {"an option past the rdata",
         with_record(plain(), kAdditionalCountAt, "00 0029 0200 00000000 0004 00030001"), QueryFault::Options,
         true},
        {"33 options", with_options(base::limits::kEdnsOptionsMax + 1), QueryFault::Options, true},
        {"a malformed client subnet", with_option(EdnsOption::ClientSubnet, "0001 18 00 c633"),
         QueryFault::ClientSubnet, true},
        {"a client subnet of a family we do not know", with_option(EdnsOption::ClientSubnet, "0003 00 00"),
         QueryFault::ClientSubnet, true},
        {"a client subnet with a scope", with_option(EdnsOption::ClientSubnet, "0001 18 18 c63364"),
         QueryFault::ClientSubnet, true},
        {"two client subnets", twice_subnet, QueryFault::ClientSubnetTwice, true},
        {"two, one of family 0", unknown_then_known, QueryFault::ClientSubnetTwice, true},
        {"RFC 7873 5.2.2: an empty cookie", with_option(EdnsOption::Cookie, ""), QueryFault::Cookie, true},
        {"a client cookie of 7 bytes", with_option(EdnsOption::Cookie, "01020304050607"), QueryFault::Cookie,
         true},
        {"a server cookie of 1 byte", with_option(EdnsOption::Cookie, "010203040506070809"),
         QueryFault::Cookie, true},
        {"a server cookie of 7 bytes", with_option(EdnsOption::Cookie, std::string(30, '1')),
         QueryFault::Cookie, true},
        {"a server cookie of 33 bytes", with_option(EdnsOption::Cookie, std::string(82, '1')),
         QueryFault::Cookie, true},
    };
    check_refusals(rows);
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(parse_query(row.packet).error().rcode() == Rcode::FormErr);
    }
  }

  TEST_CASE("an EDNS version we do not speak is BADVERS, whatever its options look like") {
    const auto newer = build_query("www.example.com", Rtype::A, {.dnssec_ok = true, .edns_version = 1});
    const auto odd_options = with_record(plain(), kAdditionalCountAt, "00 0029 0200 00ff0000 0001 ff");
    check_refusals({
        {"version 1", newer, QueryFault::EdnsVersion, true},
        {"version 255", odd_options, QueryFault::EdnsVersion, true},
    });
    CHECK(parse_query(newer).error().rcode() == Rcode::BadVers);
    CHECK(parse_query(newer).error().dnssec_ok);
    CHECK_FALSE(parse_query(odd_options).error().dnssec_ok);
  }

  TEST_CASE("every cut of a good query is refused or silent, never read past its end") {
    const Bytes whole = build_query("www.example.com", Rtype::A,
                                    {.client_subnet = base::parse_ip_prefix("2001:db8::/56").value(),
                                     .options = {{EdnsOption::Nsid, {}}}});
    REQUIRE(parse_query(whole).has_value());
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK_FALSE(parse_query(part).has_value());
    }
  }
}

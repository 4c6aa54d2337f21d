#include "dns/message.hpp"

#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace meridian;
using dns::Rcode;
using dns::read_message;
using dns::Rtype;
using dns::Section;
using test::Bytes;
using test::from_hex;
using test::name_of;

namespace {

Bytes message(std::string_view counts_hex, std::string_view body_hex) {
  Bytes bytes = from_hex("1234 8400");
  test::append(bytes, from_hex(counts_hex));
  test::append(bytes, from_hex(body_hex));
  return bytes;
}

}  // namespace

TEST_SUITE("dns/message") {
  TEST_CASE("a reply is taken apart section by section") {
    // ex. MX, answered with mx.ex, NS ns.ex, and glue; the question at 12, its name "ex" in mixed case.
    const auto bytes = message("0001 0001 0001 0002",
                               "02 4578 00 000f 0001"
                               "c00c 000f 0001 0000003c 0007 000a 02 6d78 c00c"
                               "c00c 0002 0001 0000003c 0005 02 6e73 c00c"
                               "c033 0001 0001 00000005 0004 c0000235"
                               "00 0029 04d0 01008000 0000");
    const auto read = read_message(bytes);
    REQUIRE(read.has_value());
    CHECK(read->header.id == 0x1234);
    CHECK(read->is_authoritative());
    CHECK_FALSE(read->is_truncated());
    CHECK(read->rcode == Rcode::BadVers);
    REQUIRE(read->question.has_value());
    CHECK(to_string(read->question->name) == "Ex");
    CHECK(read->question->type == Rtype::Mx);
    REQUIRE(read->records.size() == 3);
    const auto answer = read->section(Section::Answer);
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].owner == name_of("ex"));
    CHECK(answer[0].ttl_s == 60);
    CHECK(answer[0].rdata == from_hex("000a 02 6d78 02 4578 00"));
    CHECK(read->section(Section::Authority)[0].rdata == from_hex("02 6e73 02 4578 00"));
    const auto additional = read->section(Section::Additional);
    REQUIRE(additional.size() == 1);
    CHECK(additional[0].owner == name_of("ns.ex"));
    CHECK(additional[0].rdata == from_hex("c0000235"));
    REQUIRE(read->edns.has_value());
    CHECK(read->edns->dnssec_ok);
    CHECK(read->edns->udp_size == 1232);
  }

  TEST_CASE("options keep their order, and the client subnet its scope") {
    const auto bytes =
        message("0000 0000 0000 0001",
                "00 0029 0200 00000000 0015 0003 0002 616d 0008 0007 0001 18 12 c63364 ffff 0000");
    const auto read = read_message(bytes);
    REQUIRE(read.has_value());
    CHECK_FALSE(read->question.has_value());
    REQUIRE(read->edns.has_value());
    REQUIRE(read->edns->options.size() == 3);
    CHECK(read->edns->options[0].payload == from_hex("616d"));
    CHECK(read->edns->find_option(dns::EdnsOption::Nsid) == &read->edns->options[0]);
    CHECK(read->edns->find_option(dns::EdnsOption::Cookie) == nullptr);
    REQUIRE(read->edns->client_subnet.has_value());
    CHECK(to_string(read->edns->client_subnet->source) == "198.51.100.0/24");
    CHECK(read->edns->client_subnet->scope_bits == 18);
  }

  TEST_CASE("SOA and MINFO have two names, the rest follows as it is") {
    const auto bytes = message(
        "0001 0001 0000 0000",
        "02 6578 00 0006 0001"
        "c00c 0006 0001 0000003c 001d 02 6e73 c00c 01 68 c00c 00000001 00000002 00000003 00000004 00000005");
    const auto read = read_message(bytes);
    REQUIRE(read.has_value());
    CHECK(read->records[0].rdata ==
          from_hex("02 6e73 02 6578 00 01 68 02 6578 00 00000001 00000002 00000003 00000004 00000005"));
  }

  TEST_CASE("a name in the rdata of a later type is left alone") {
    const auto bytes = message("0000 0001 0000 0000", "00 0021 0001 00000000 0007 0000 0000 0050 00");
    const auto read = read_message(bytes);
    REQUIRE(read.has_value());
    CHECK(read->records[0].rdata == from_hex("0000 0000 0050 00"));
  }

  TEST_CASE("malformed messages are refused with where and what") {
    struct Row {
      const char* why;
      Bytes bytes;
      const char* message;
    };
    const Row rows[] = {
        {"11 bytes", from_hex("1234 8400 0000 0000 0000 00"), "the header is cut off"},
        {"two questions", message("0002 0000 0000 0000", ""), "more than one question"},
        {"malformed name", message("0001 0000 0000 0000", "c00c 0001 0001"),
         "the question's name is malformed"},
        {"no class", message("0001 0000 0000 0000", "00 0001"), "the question is cut off"},
        {"no record", message("0000 0001 0000 0000", ""), "record 1 has a malformed owner"},
        {"owner only", message("0000 0001 0000 0000", "00"), "record 1 is cut off"},
        {"second record", message("0000 0001 0001 0000", "00 0001 0001 00000000 0000 40"),
         "record 2 has a malformed owner"},
        {"rdata cut off", message("0000 0001 0000 0000", "00 0001 0001 00000000 0004 c00002"),
         "record 1 is cut off"},
        {"name past the rdata", message("0000 0001 0000 0000", "00 0002 0001 00000000 0001 01 61 00"),
         "record 1 has a malformed name in its rdata"},
        {"no preference", message("0000 0001 0000 0000", "00 000f 0001 00000000 0001 00"),
         "record 1 has a malformed name in its rdata"},
        {"malformed name in rdata", message("0000 0001 0000 0000", "00 0005 0001 00000000 0002 c0ff"),
         "record 1 has a malformed name in its rdata"},
        {"trailing", message("0000 0000 0000 0000", "ffff"), "2 bytes follow the last record"},
        {"OPT as an answer", message("0000 0001 0000 0000", "00 0029 0200 00000000 0000"),
         "record 1 is an OPT record outside the additional section"},
        {"OPT with an owner", message("0000 0000 0000 0001", "01 61 00 0029 0200 00000000 0000"),
         "record 1 is an OPT record whose owner is not the root"},
        {"two OPTs", message("0000 0000 0000 0002", "00 0029 0200 00000000 0000 00 0029 0200 00000000 0000"),
         "record 2 is a second OPT record"},
        {"half an option head", message("0000 0000 0000 0001", "00 0029 0200 00000000 0002 0003"),
         "record 1 has an option that is cut off"},
        {"option past the rdata", message("0000 0000 0000 0001", "00 0029 0200 00000000 0005 0003 0002 00"),
         "record 1 has an option that is cut off"},
        {"malformed subnet", message("0000 0000 0000 0001", "00 0029 0200 00000000 0005 0008 0001 00"),
         "record 1 has a malformed client subnet option"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto read = read_message(row.bytes);
      REQUIRE_FALSE(read.has_value());
      CHECK(read.error() == row.message);
    }
  }

  TEST_CASE("a query of the builder reads back as it was described") {
    const auto network = base::parse_ip_prefix("2001:db8::/48").value();
    const auto read = read_message(
        test::build_query("A.example", Rtype::Https, {.id = 7, .udp_size = 400, .client_subnet = network}));
    REQUIRE(read.has_value());
    CHECK(read->header.id == 7);
    CHECK(to_string(read->question->name) == "A.example");
    CHECK(read->edns->udp_size == 400);
    CHECK(read->edns->client_subnet->source == network);
  }
}

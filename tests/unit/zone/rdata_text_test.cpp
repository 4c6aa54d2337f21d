#include "zone/rdata_text.hpp"

#include "unit/zone/zone_fixture.hpp"

#include <array>

namespace meridian::test {
namespace {

using dns::Rtype;

/// The tokens of one rdata text.
std::vector<zone::Token> tokens_of(std::string_view text) {
  zone::ZoneLexer lexer(text, "z");
  base::Diagnostics problems;
  zone::Entry entry;
  REQUIRE(lexer.next(entry, problems));
  return entry.tokens;
}

struct Row {
  const char* type;
  std::uint16_t number;
  const char* text;
  const char* wire;  ///< hexadecimal; the origin is "o.x"
};

}  // namespace

TEST_SUITE("zone/rdata_text") {
  TEST_CASE("what is read without ldns is what ldns reads") {
    // An escape anywhere sends the whole rdata to ldns. Each row stands once as it is, once with \\DDD in it.
    struct Pair {
      dns::Rtype type;
      const char* plain;
      const char* escaped;
    };
    const Pair rows[] = {
        {Rtype::Ns, "Ns.Example.", R"(\078s.Example.)"},
        {Rtype::Ns, "a", R"(\097)"},
        {Rtype::Cname, "_x-1.y", R"(\095x-1.y)"},
        {Rtype::Cname, "*", R"(\042)"},
        {Rtype::Ptr, "192-0-2-1.Z.", R"(\04992-0-2-1.Z.)"},
        {Rtype::Mx, "0 a.b.", R"(0 \097.b.)"},
        {Rtype::Mx, "65535 mail", R"(65535 \109ail)"},
        {Rtype::Mx, "010 mail", R"(010 \109ail)"},
        {Rtype::Srv, "0 65535 443 a", R"(0 65535 443 \097)"},
        {Rtype::Soa, "ns h 4294967295 0 1 2147483647 4294967295",
         R"(\110s h 4294967295 0 1 2147483647 4294967295)"},
        {Rtype::Soa, "ns h 007 1 2 3 4", R"(\110s h 007 1 2 3 4)"},
        {Rtype::Txt, "abc", R"(\097bc)"},
        {Rtype::Txt, R"("a b" c "")", R"("\097 b" c "")"},
        {Rtype::Txt, R"x("a;(b)" c=d,e)x", R"x("\097;(b)" c=d,e)x"},
    };
    zone::RdataParser parser(name_of("o.x"));
    for (const auto& row : rows) {
      CAPTURE(row.plain);
      const auto type_text = dns::to_string(row.type);
      const auto plain = parser.parse(row.type, type_text, tokens_of(row.plain));
      REQUIRE(plain.has_value());
      const auto text = hex(*plain);
      const auto escaped = parser.parse(row.type, type_text, tokens_of(row.escaped));
      REQUIRE(escaped.has_value());
      CHECK(text == hex(*escaped));
    }
    std::string longest(255, 'x');
    for (const bool fits : {true, false}) {
      CAPTURE(fits);
      CHECK(parser.parse(Rtype::Txt, "TXT", tokens_of(longest)).has_value() == fits);
      CHECK(parser.parse(Rtype::Txt, "TXT", tokens_of("\"" + longest + "\"")).has_value() == fits);
      longest += 'x';
    }
  }

  TEST_CASE("every record type has its wire form") {
    const Row rows[] = {
        {"A", 1, "192.0.2.1", "c0000201"},
        {"a", 1, "192.0.2.1", "c0000201"},
        {"NS", 2, "ns", "026e73016f017800"},
        {"CNAME", 5, "Www.Example.", "03577777074578616d706c6500"},
        {"SOA", 6, "a b 1 1h 2d 3w 4294967295",
         "0161016f0178000162016f0178000000000100000e100002a300001baf80ffffffff"},
        {"MB", 7, "a", "0161016f017800"},
        {"WKS", 11, "1.2.3.4 TCP 25", "010203040600000040"},
        {"PTR", 12, "@", "016f017800"},
        {"HINFO", 13, "PC \"Linux x\"", "025043074c696e75782078"},
        {"MINFO", 14, "a .", "0161016f01780000"},
        {"MX", 15, "65535 mail", "ffff046d61696c016f017800"},
        {"TXT", 16, "abc", "03616263"},
        {"TXT", 16, "\"a b\" c \"\"", "03612062016300"},
        {"TXT", 16, R"x("a\"b\\" \097\(\; "(;)")x",
         "046122625c"
         "0361283b"
         "03283b29"},
        {"TXT", 16, "\"a\"\"b\"", "01610162"},
        {"RP", 17, "a b", "0161016f0178000162016f017800"},
        {"AFSDB", 18, "1 a", "00010161016f017800"},
        {"AAAA", 28, "2001:DB8::1", "20010db8000000000000000000000001"},
        {"LOC", 29, "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
         "000016138b3cf018810cbce0009895b8"},
        {"SRV", 33, "1 2 443 www.example.net.", "0001000201bb03777777076578616d706c65036e657400"},
        {"NAPTR", 35, "100 10 \"u\" \"E2U+sip\" \"!^(.*)$!sip:\\\\1@x!\" .",
         "0064000a0175074532552b736970"
         "11215e282e2a2924217369703a5c3140782100"},
        {"KX", 36, "1 a", "00010161016f017800"},
        {"CERT", 37, "PKIX 2 3 AQID", "0001000203010203"},
        {"DNAME", 39, "foo.", "03666f6f00"},
        {"APL", 42, "1:192.0.2.0/24 !2:2001:db8::/32",
         "00011803c00002"
         "0002208420010db8"},
        {"DS", 43, "60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118",
         "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
        {"SSHFP", 44, "2 1 123456789a", "0201123456789a"},
        {"IPSECKEY", 45, "10 1 2 192.0.2.38 AQNR", "0a0102c0000226010351"},
        {"RRSIG", 46, "A 5 3 86400 20300101000000 20200101000000 2642 example. AQID",
         "000105030001518070dbd8805e0be1000a52076578616d706c6500010203"},
        {"NSEC", 47, "a. A MX TYPE1234",
         "016100"
         "00024001"
         "041b000000000000000000000000000000000000000000000000000020"},
        {"DNSKEY", 48, "256 3 RSASHA256 AQ ID", "01000308010203"},
        {"DHCID", 49, "AQID", "010203"},
        {"NSEC3", 50, "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX",
         "0101000c04aabbccdd14174eb2409fe28bcb4887a1836f957f0a8425e27b00020001"},
        {"NSEC3PARAM", 51, "1 0 12 aabbccdd", "0100000c04aabbccdd"},
        {"TLSA", 52, "3 1 1 d2ab de01", "030101d2abde01"},
        {"SMIMEA", 53, "3 0 0 abcd", "030000abcd"},
        {"HIP", 55, "2 200100107B1A74DF365639CC39F1D578 AQID rvs.example.com.",
         "10020003200100107b1a74df365639cc39f1d57801020303727673076578616d706c6503636f6d00"},
        {"CDS", 59, "0 0 0 00", "0000000000"},
        {"CDNSKEY", 60, "0 3 0 AA==", "0000030000"},
        {"OPENPGPKEY", 61, "AQI D", "010203"},
        {"CSYNC", 62, "66 3 A NS AAAA", "000000420003000460000008"},
        {"ZONEMD", 63, "2018031500 1 1 00aa", "7848b78c010100aa"},
        {"SVCB", 64, "1 . port=443 alpn=\"h2,h3\" ipv4hint=1.2.3.4 key65000=\"a b;\"",
         "000100"
         "0001000602683202"
         "6833"
         "0003000201bb"
         "0004000401020304"
         "fde800046120623b"},
        {"HTTPS", 65, "0 svc", "000003737663016f017800"},
        {"SPF", 99, "\"v=spf1 -all\"", "0b763d73706631202d616c6c"},
        {"NID", 104, "10 0014:4fff:ff20:ee64", "000a00144fffff20ee64"},
        {"L32", 105, "10 10.1.2.0", "000a0a010200"},
        {"LP", 107, "10 l64", "000a036c3634016f017800"},
        {"EUI48", 108, "00-00-5e-00-53-2a", "00005e00532a"},
        {"URI", 256, "10 1 \"ftp://x/\"", "000a00016674703a2f2f782f"},
        {"CAA", 257, "0 issue \"x.y; a=b\"", "00056973737565782e793b20613d62"},
        {"CAA", 257, "128 iodef mailto:a@b", "8005696f6465666d61696c746f3a614062"},
        {"TYPE65280", 65280, "\\# 4 0a000001", "0a000001"},
        {"TYPE65280", 65280, "\\# 4 0A00 00 01", "0a000001"},
        {"TYPE65280", 65280, "\\# 0", ""},
        {"type1", 1, "\\# 4 0a000001", "0a000001"},
        {"MX", 15, "\\# 3 000a00", "000a00"},
    };
    zone::RdataParser parser(name_of("o.x"));
    for (const auto& row : rows) {
      CAPTURE(row.type);
      CAPTURE(row.text);
      const auto type = zone::parse_type_word(row.type);
      REQUIRE(type.has_value());
      CHECK(static_cast<std::uint16_t>(*type) == row.number);
      const auto rdata = parser.parse(*type, row.type, tokens_of(row.text));
      REQUIRE_MESSAGE(rdata.has_value(), rdata.error().message);
      CHECK(hex(*rdata) == row.wire);
    }
  }

  TEST_CASE("rdata that ldns would misread is refused with the token at fault") {
    struct BadRow {
      const char* type;
      const char* text;
      std::size_t token;
      const char* message;
    };
    const BadRow rows[] = {
        {"A", "300.1.2.3", 0, "bad A rdata '300.1.2.3'; write an IPv4 address"},
        {"A", "192.0.2.1 192.0.2.2", 0, "bad A rdata '192.0.2.1 192.0.2.2'; write an IPv4 address"},
        {"A", "1.2.3", 0, "bad A rdata '1.2.3'; write an IPv4 address"},
        {"A", "\"192.0.2.1\"", 0, "bad A rdata '\"192.0.2.1\"'; write an IPv4 address"},
        {"AAAA", "192.0.2.1", 0, "bad AAAA rdata '192.0.2.1'; write an IPv6 address"},
        {"AAAA", "fe80::1%eth0", 0, "bad AAAA rdata 'fe80::1%eth0'; write an IPv6 address"},
        {"MX", "70000 mail", 0, "bad MX rdata: '70000' is not a number from 0 to 65535"},
        {"MX", "-1 mail", 0, "bad MX rdata: '-1' is not a number from 0 to 65535"},
        {"MX", "mail 10", 0, "bad MX rdata: 'mail' is not a number from 0 to 65535"},
        {"MX", "10", 0, "bad MX rdata '10': Syntax error, value expected"},
        {"MX", "10 a b", 0, nullptr},
        {"MX", "10 a..b", 1, "bad MX rdata: 'a..b' has an empty label"},
        {"CNAME", "\"a\"", 0, "bad CNAME rdata: \"a\" is quoted; write the name without quotes"},
        {"SOA", "a b 4294967296 2 3 4 5", 2,
         "bad SOA rdata: '4294967296' is not a number from 0 to 4294967295"},
        {"SOA", "a b 1 2x 3 4 5", 3, "bad SOA rdata: '2x' is not a time; write seconds or 1h30m"},
        {"SRV", "1 2 70000 x.", 2, "bad SRV rdata: '70000' is not a number from 0 to 65535"},
        {"CAA", "300 issue \"x\"", 0, "bad CAA rdata: '300' is not a number from 0 to 255"},
        {"CAA", "0 is-sue \"x\"", 0,
         "bad CAA rdata '0 is-sue \"x\"': Syntax error, could not parse the RR's rdata"},
        {"DS", "1 300 2 00", 1, "bad DS rdata: '300' is not a number from 0 to 255"},
        {"DS", "60485 5 1 2BB", 3,
         "bad DS rdata: the hexadecimal part has 3 digits; write two for each byte"},
        {"TLSA", "3 256 1 00", 1, "bad TLSA rdata: '256' is not a number from 0 to 255"},
        {"TXT", "\\300", 0, "bad TXT rdata '\\300': Syntax error, could not parse the RR's rdata"},
        {"CSYNC", "66 3 A BOGUS", 3, "bad CSYNC rdata: 'BOGUS' is not a record type"},
        {"RRSIG", "BOGUS 5 3 1 20300101000000 20200101000000 1 e. AQID", 0,
         "bad RRSIG rdata: 'BOGUS' is not a record type"},
        {"HTTPS", "1 . port=99999", 2, "bad HTTPS rdata: a port is a number from 0 to 65535"},
        {"HTTPS", "1 . port=443 port=444", 0, "bad HTTPS rdata: a key stands twice (RFC 9460 2.1)"},
        {"SVCB", "1 . alpn=h2 port=1 alpn=h3", 0, "bad SVCB rdata: a key stands twice (RFC 9460 2.1)"},
        {"HTTPS", "1 . bogus=1", 0,
         "bad HTTPS rdata '1 . bogus=1': Syntax error, could not parse the RR's rdata"},
        {"TYPE65280", "abc", 0, "bad TYPE65280 rdata 'abc': Syntax error, could not parse the RR's rdata"},
        {"TYPE65280", "\\#", 1,
         "bad TYPE65280 rdata: the length is not a number from 0 to 65535; write \\# LENGTH HEX (RFC 3597)"},
        {"TYPE65280", "\\# x", 1,
         "bad TYPE65280 rdata: the length is not a number from 0 to 65535; write \\# LENGTH HEX (RFC 3597)"},
        {"TYPE65280", "\\# 65536", 1,
         "bad TYPE65280 rdata: the length is not a number from 0 to 65535; write \\# LENGTH HEX (RFC 3597)"},
        {"TYPE65280", "\\# 4 0a00", 1,
         "bad TYPE65280 rdata: the length says 4 bytes, the rest has 2; write \\# LENGTH HEX (RFC 3597)"},
        {"TYPE65280", "\\# 1 0a0", 1,
         "bad TYPE65280 rdata: the length says 1 bytes, the rest has 1 and a half; write \\# LENGTH HEX (RFC "
         "3597)"},
        {"TYPE65280", "\\# 2 0a 0g", 3,
         "bad TYPE65280 rdata: '0g' is not hexadecimal; write \\# LENGTH HEX (RFC 3597)"},
    };
    zone::RdataParser parser(name_of("o.x"));
    for (const auto& row : rows) {
      CAPTURE(row.type);
      CAPTURE(row.text);
      const auto rdata = parser.parse(*zone::parse_type_word(row.type), row.type, tokens_of(row.text));
      REQUIRE(!rdata.has_value());
      CHECK(rdata.error().token == row.token);
      if (row.message != nullptr) CHECK(rdata.error().message == row.message);
    }
  }

  TEST_CASE("a long string of 255 bytes fits and one of 256 does not") {
    zone::RdataParser parser(name_of("o.x"));
    const std::string longest(255, 'a');
    CHECK(parser.parse(Rtype::Txt, "TXT", tokens_of(longest)).has_value());
    CHECK(!parser.parse(Rtype::Txt, "TXT", tokens_of(longest + "a")).has_value());
    const std::string bytes(2 * 65'000, '0');
    const auto large = parser.parse(Rtype{65280}, "TYPE65280", tokens_of("\\# 65000 " + bytes));
    REQUIRE(large.has_value());
    CHECK(large->size() == 65'000);
  }

  TEST_CASE("words that are no type are none") {
    for (const char* word : {"", "AA", "TYPE", "TYPEx", "TYPE65536", "TYPE-1", "TYPE1x", "IN", "300",
                             "NSEC3PARAMETERSXX", "1.2.3.4"}) {
      CAPTURE(word);
      CHECK(!zone::parse_type_word(word).has_value());
    }
  }

  TEST_CASE("times have units or none") {
    struct TtlRow {
      const char* text;
      std::optional<std::uint32_t> expected;
    };
    const TtlRow rows[] = {
        {"0", 0u},
        {"300", 300u},
        {"1h", 3'600u},
        {"1h30m", 5'400u},
        {"1W", 604'800u},
        {"1w2d3h4m5s", 788'645u},
        {"30m1h", 5'400u},
        {"4294967295", 0xffff'ffffu},
        {"4294967296", std::nullopt},
        {"8000w", std::nullopt},
        {"1h30", std::nullopt},
        {"h", std::nullopt},
        {"1x", std::nullopt},
        {"1hh", std::nullopt},
        {"-1", std::nullopt},
        {"", std::nullopt},
        {"1.5h", std::nullopt},
    };
    for (const auto& row : rows) {
      CAPTURE(row.text);
      CHECK(zone::parse_ttl(row.text) == row.expected);
    }
  }

  TEST_CASE("names without a final dot end with the origin") {
    struct NameRow {
      const char* text;
      const char* expected;
    };
    const NameRow rows[] = {
        {"www", "www.o.x"},
        {"www.", "www"},
        {"@", "o.x"},
        {"\\@", "\\@.o.x"},
        {".", "."},
        {"a\\.", "a\\..o.x"},
        {"a\\\\.", "a\\\\"},
        {"a\\\\\\.", "a\\\\\\..o.x"},
        {"a.b", "a.b.o.x"},
        {"*", "*.o.x"},
        {"a\\046b", "a\\.b.o.x"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.text);
      const auto name = zone::parse_relative_name(row.text, name_of("o.x"));
      REQUIRE(name.has_value());
      CHECK(dns::to_string(*name) == row.expected);
    }
    for (const char* text : {"a..b", ".a", "a\\30", "a\\256", "",
                             "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl"}) {
      CAPTURE(text);
      CHECK(!zone::parse_relative_name(text, name_of("o.x")).has_value());
    }
    const std::string label(62, 'a');
    const auto origin = name_of(label + "." + label + "." + label);
    CHECK(zone::parse_relative_name(std::string(63, 'b') + ".c", origin)
              .error()
              .find("is a final dot missing?") != std::string::npos);
  }
}

}  // namespace meridian::test

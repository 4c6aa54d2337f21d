#include "zone/zone_builder.hpp"

#include "unit/zone/zone_fixture.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace meridian::test {
namespace {

using dns::Rtype;

constexpr std::string_view kHead =
    "$TTL 60\n@ SOA ns hostmaster 1 2 3 4 600\n@ NS ns\nns A 192.0.2.53\n";  // lines 1 to 4

struct Row {
  const char* why;
  const char* text;  ///< from line 5 on
  const char* expected;
  std::vector<Steer> steered = {};
};

Load load_row(const Row& row) { return load_text(std::string{kHead} + row.text, "example.com", row.steered); }

constexpr std::array<std::uint8_t, 4> kAddress{192, 0, 2, 1};

}  // namespace

TEST_SUITE("zone/zone_builder") {
  TEST_CASE("records that contradict each other are errors, each at its place") {
    const Row rows[] = {
        {"two SOA", "@ SOA ns other 1 2 3 4 600\n",
         "z:5:3: the zone has more than one SOA; the first is at z:2:3\n"},
        {"SOA below the apex", "www SOA ns other 1 2 3 4 600\n",
         "z:5:5: a SOA stands only at the zone's apex 'example.com', not at 'www.example.com'\n"},
        {"outside", "www.example.net. A 192.0.2.1\n",
         "z:5:18: 'www.example.net' is outside the zone 'example.com'; is a final dot missing or $ORIGIN "
         "wrong?\n"},
        {"only similar", "www.xexample.com. A 192.0.2.1\n",
         "z:5:19: 'www.xexample.com' is outside the zone 'example.com'; is a final dot missing or $ORIGIN "
         "wrong?\n"},
        {"CNAME beside data", "www TXT t\nwww CNAME x\n",
         "z:6:5: 'www.example.com' has a CNAME beside other data (TXT at z:5:5); a CNAME stands alone (RFC "
         "1034 3.6.2)\n"},
        {"CNAME at the apex", "@ CNAME x\n",
         "z:5:3: 'example.com' has a CNAME beside other data (NS at z:3:3); a CNAME stands alone (RFC 1034 "
         "3.6.2)\n"},
        {"two CNAMEs", "www CNAME x\nwww CNAME y\n",
         "z:6:5: 'www.example.com' has more than one CNAME; keep one (RFC 2181 10.1)\n"},
        {"two DNAMEs", "d DNAME x\nd DNAME y\n",
         "z:6:3: 'd.example.com' has more than one DNAME; keep one (RFC 6672 2.4)\n"},
        {"DNAME at a cut", "d DNAME x.invalid.\nd NS ns\n",
         "z:5:3: 'd.example.com' has a DNAME beside NS; below the apex a name is either redirected or "
         "delegated "
         "(RFC 6672 2.4)\n"},
        {"NS at a wildcard", "*.w NS ns\n",
         "z:5:5: '*.w.example.com' has NS; a wildcard delegates nothing that resolvers agree on (RFC 4592 "
         "4.2), write a "
         "delegation for each name\n"},
        {"steered beside A",
         "www A 192.0.2.1\n",
         "services.yaml:1:3: 'www.example.com' is steered, but also has a static A record at z:5:5; remove "
         "one of them\n",
         {{"www.example.com", 1}}},
        {"steered beside AAAA",
         "www AAAA ::1\n",
         "services.yaml:1:3: 'www.example.com' is steered, but also has a static AAAA record at z:5:5; "
         "remove one of them\n",
         {{"www.example.com", 1}}},
        {"steered beside CNAME",
         "www CNAME x\n",
         "services.yaml:1:3: 'www.example.com' is steered, but also has a static CNAME record at z:5:5; "
         "remove one of them\n",
         {{"www.example.com", 1}}},
        {"steered at a cut",
         "sub NS ns\n",
         "services.yaml:1:3: 'sub.example.com' is steered but is delegated away here, so it would never be "
         "answered; steer "
         "a name this zone answers for\n",
         {{"sub.example.com", 1}}},
        {"steered below a cut",
         "sub NS ns\n",
         "services.yaml:1:3: 'a.b.sub.example.com' is steered but lies below the delegation of "
         "'sub.example.com', so it "
         "would never be answered; steer a name this zone answers for\n",
         {{"a.b.sub.example.com", 1}}},
        {"steered below a DNAME",
         "d DNAME x.invalid.\n",
         "services.yaml:1:3: 'a.d.example.com' is steered but lies below the DNAME of 'd.example.com', so it "
         "would never "
         "be answered; steer a name this zone answers for\n",
         {{"a.d.example.com", 1}}},
        {"steered outside",
         "",
         "services.yaml:1:3: 'example.net' is outside the zone 'example.com'\n",
         {{"example.net", 1}}},
        {"steered twice",
         "",
         "services.yaml:2:3: 'WWW.example.com' is steered twice; the first time at services.yaml:1:3\n",
         {{"www.example.com", 1}, {"WWW.example.com", 2}}},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto load = load_row(row);
      CHECK(load.errors == row.expected);
      CHECK(!load.zone.has_value());
    }
  }

  TEST_CASE("all errors of a zone come at once") {
    const auto load = load_row({"", "a CNAME x\na TXT t\nb CNAME x\nb CNAME y\n*.c NS ns\n", ""});
    CHECK(std::ranges::count(load.errors, '\n') == 3);
  }

  TEST_CASE("a zone needs SOA and NS at its apex") {
    struct ApexRow {
      const char* why;
      const char* text;
      const char* expected;
    };
    const ApexRow rows[] = {
        {"nothing at all", "",
         "the zone has no SOA record at 'example.com'\n: the zone has no NS record at 'example.com'; "
         "name its servers\n"},
        {"no NS", "@ 60 SOA ns h 1 2 3 4 5\n",
         "z: the zone has no NS record at 'example.com'; name its servers\n"},
        {"no SOA", "@ 60 NS ns.example.net.\n", "z: the zone has no SOA record at 'example.com'\n"},
        {"NS elsewhere", "@ 60 SOA ns h 1 2 3 4 5\nsub 60 NS ns.example.net.\n",
         "z: the zone has no NS record at 'example.com'; name its servers\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(load_text(row.text, "example.com").errors.ends_with(row.expected));
    }
  }

  TEST_CASE("what is odd but can be served is a warning") {
    const Row rows[] = {
        {"TTLs differ", "www 300 A 192.0.2.1\nwww 200 A 192.0.2.2\nwww 100 A 192.0.2.3\n",
         "z:6:9: warning: the A records of 'www.example.com' have different TTLs; 100 is used for all, write "
         "the same one "
         "(RFC 2181 5.2)\n"},
        {"below a DNAME", "d DNAME x.invalid.\na.d TXT t\n",
         "z:6:5: warning: this TXT is never answered: 'a.d.example.com' lies below the DNAME of "
         "'d.example.com'\n"},
        {"below a cut", "sub NS ns\na.sub TXT t\n",
         "z:6:7: warning: this TXT is never answered: 'a.sub.example.com' lies below the delegation of "
         "'sub.example.com'\n"},
        {"an address below a cut that is no glue", "sub NS ns\na.sub A 192.0.2.1\n",
         "z:6:7: warning: this A is never answered: 'a.sub.example.com' lies below the delegation of "
         "'sub.example.com'\n"},
        {"other data at a cut", "sub NS ns\nsub MX 10 ns\n",
         "z:6:5: warning: this MX is never answered: 'sub.example.com' is delegated away here\n"},
        {"missing glue", "sub NS ns.sub\n",
         "z:5:5: warning: the name server 'ns.sub.example.com' of 'sub.example.com' needs glue; add its A or "
         "AAAA record\n"},
        {"server absent", "sub NS gone\n",
         "z:5:5: warning: the name server 'gone.example.com' of 'sub.example.com' does not exist in this "
         "zone; add its A or "
         "AAAA record\n"},
        {"server without address", "sub NS www\nwww TXT t\n",
         "z:5:5: warning: the name server 'www.example.com' of 'sub.example.com' has no address; add its A "
         "or AAAA record\n"},
        {"server is an alias", "sub NS www\nwww CNAME ns\n",
         "z:5:5: warning: the name server 'www.example.com' of 'sub.example.com' is an alias; name a host "
         "with addresses of "
         "its own (RFC 2181 10.3)\n"},
        {"server below a DNAME", "sub NS www.d\nd DNAME x.invalid.\n",
         "z:5:5: warning: the name server 'www.d.example.com' of 'sub.example.com' is an alias; name a host "
         "with addresses "
         "of its own (RFC 2181 10.3)\n"},
        {"a mail host is an alias", "@ MX 10 www\nwww CNAME ns\n",
         "z:5:3: warning: the MX target 'www.example.com' of 'example.com' is an alias; name a host with "
         "addresses "
         "of its own (RFC 2181 10.3)\n"},
        {"a mail host is absent", "@ MX 10 gone\n",
         "z:5:3: warning: the MX target 'gone.example.com' of 'example.com' does not exist in this zone; add "
         "its A "
         "or AAAA record\n"},
        {"a service has no address", "_x._tcp SRV 0 0 1 www\nwww TXT t\n",
         "z:5:9: warning: the SRV target 'www.example.com' of '_x._tcp.example.com' has no address; add its "
         "A or "
         "AAAA record\n"},
        {"an HTTPS target is absent", "www HTTPS 0 gone\n",
         "z:5:5: warning: the HTTPS target 'gone.example.com' of 'www.example.com' does not exist in this "
         "zone; add "
         "its A or AAAA record\n"},
        {"a CNAME to nothing", "www CNAME gone\n",
         "z:5:5: warning: the CNAME target 'gone.example.com' of 'www.example.com' does not exist in this "
         "zone; add "
         "its records, or remove the CNAME\n"},
        {"a CNAME to itself", "www CNAME WWW\n",
         "z:5:5: warning: the CNAME target 'www.example.com' of 'www.example.com' leads back to it; point it "
         "at a "
         "name with records\n"},
        {"a ring of CNAMEs, told at each", "a CNAME b\nb CNAME a\nc CNAME ns\n",
         "z:5:3: warning: the CNAME target 'b.example.com' of 'a.example.com' leads back to it; point it at "
         "a name "
         "with records\n"
         "z:6:3: warning: the CNAME target 'a.example.com' of 'b.example.com' leads back to it; point it at "
         "a name "
         "with records\n"},
        {"a DNAME into itself", "d DNAME x.d\n",
         "z:5:3: warning: the DNAME target 'x.d.example.com' of 'd.example.com' lies below it, so that each "
         "name "
         "leads to a longer one; point it elsewhere\n"},
        {"wildcard DNAME", "*.w DNAME x.invalid.\n",
         "z:5:5: warning: '*.w.example.com' has a DNAME; it redirects names below the literal '*' only (RFC "
         "4592 4.4)\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto load = load_row(row);
      CHECK(load.errors == "");
      CHECK(load.warnings == row.expected);
      CHECK(load.zone.has_value());
    }
  }

  TEST_CASE("what is right gives no warning") {
    const Row rows[] = {
        {"glue", "sub NS NS.sub\nsub NS sub\nns.sub A 192.0.2.1\nsub AAAA ::1\nsub DS 1 8 2 00\n", ""},
        {"glue of a sibling", "one NS ns.two\ntwo NS ns.two\nns.two A 192.0.2.1\n", ""},
        {"a sibling's server without glue here", "one NS ns.two\ntwo NS ns\n", ""},
        {"servers elsewhere", "sub NS ns.example.net.\n", ""},
        {"a steered server", "sub NS geo\n", "", {{"geo.example.com", 1}}},
        {"a server with IPv6 only", "sub NS six\nsix AAAA ::1\n", ""},
        {"a server from a wildcard", "sub NS a.w\n*.w A 192.0.2.1\n", ""},
        {"signatures beside a CNAME",
         "www CNAME ns\nwww RRSIG CNAME 8 3 60 20300101000000 20200101000000 1 example.com. AQID\nwww NSEC "
         "x.example.com. "
         "CNAME RRSIG NSEC\n",
         ""},
        {"signatures with TTLs of their own",
         "www 60 RRSIG A 8 3 60 20300101000000 20200101000000 1 example.com. AQID\n"
         "www 90 RRSIG TXT 8 3 60 20300101000000 20200101000000 1 example.com. AQID\n",
         ""},
        {"no mail and no service", "@ MX 0 .\n_x._tcp SRV 0 0 0 .\nwww HTTPS 0 .\nx HTTPS 1 .\n", ""},
        {"an SVCB target may be an alias", "x HTTPS 0 www\nwww CNAME ns\n", ""},
        {"an SVCB target needs no address", "x HTTPS 0 www\nwww HTTPS 1 ns\n", ""},
        {"targets elsewhere", "@ MX 10 m.example.net.\nwww CNAME www.example.net.\n", ""},
        {"a CNAME to a steered name, and from a wildcard", "*.w CNAME geo\n", "", {{"geo.example.com", 1}}},
        {"a mail host below a cut", "@ MX 10 m.sub\nsub NS ns\n", ""},
        {"a DNAME to its own parent", "a.d DNAME d\nx.d TXT t\n", ""},
        {"steered beside MX", "www MX 10 ns\n", "", {{"www.example.com", 1}}},
        {"steered beside DNAME", "d DNAME x.invalid.\n", "", {{"d.example.com", 1}}},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto load = load_row(row);
      CHECK(load.errors == "");
      CHECK(load.warnings == "");
    }
  }

  TEST_CASE("an rrset keeps its order, loses exact duplicates and takes the smallest TTL") {
    const auto load = load_row(
        {"", "www 300 A 192.0.2.9\nwww 200 A 192.0.2.1\nwww TXT t\nwww 300 A 192.0.2.9\nwww A 192.0.2.5\n",
         ""});
    REQUIRE(load.zone.has_value());
    const auto rrset = load.zone->find_rrset(name_of("www.example.com"), Rtype::A);
    REQUIRE(rrset.has_value());
    CHECK(rrset->count == 3);
    CHECK(rrset->ttl_s == 60);
    CHECK(hex_records(*rrset) == "0004c00002090004c00002010004c0000205");
    CHECK(load.zone->record_count() == 3 + 3 + 1);
  }

  TEST_CASE("rdata that is no rdata of its type is refused") {
    struct RdataRow {
      const char* why;
      Rtype type;
      std::vector<std::uint8_t> rdata;
      bool taken;
    };
    const RdataRow rows[] = {
        {"A", Rtype::A, {1, 2, 3, 4}, true},
        {"A too short", Rtype::A, {1, 2, 3}, false},
        {"A too long", Rtype::A, {1, 2, 3, 4, 5}, false},
        {"AAAA too short", Rtype::Aaaa, {1, 2, 3, 4}, false},
        {"empty CNAME", Rtype::Cname, {}, false},
        {"CNAME", Rtype::Cname, {1, 'a', 0}, true},
        {"CNAME to the root", Rtype::Cname, {0}, true},
        {"name without end", Rtype::Cname, {1, 'a'}, false},
        {"name cut in a label", Rtype::Cname, {5, 'a'}, false},
        {"compressed name", Rtype::Cname, {0xc0, 0x0c}, false},
        {"something behind the name", Rtype::Cname, {1, 'a', 0, 0}, false},
        {"MX", Rtype::Mx, {0, 10, 0}, true},
        {"MX without name", Rtype::Mx, {0, 10}, false},
        {"SRV", Rtype::Srv, {0, 0, 0, 0, 0, 0, 0}, true},
        {"SRV too short", Rtype::Srv, {0, 0, 0, 0, 0}, false},
        {"HTTPS", Rtype::Https, {0, 1, 0, 0, 1, 0, 3, 2, 'h', '2'}, true},
        {"HTTPS without target", Rtype::Https, {0, 1}, false},
        {"DNAME", Rtype::Dname, {1, 'a', 0}, true},
        {"DNAME with more", Rtype::Dname, {1, 'a', 0, 9}, false},
        {"MINFO with one name", Rtype::Minfo, {0}, false},
        {"an unknown type without rdata", Rtype{65280}, {}, true},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      zone::ZoneBuilder builder(name_of("example.com"));
      REQUIRE(zone::parse_zone_text(kHead, "z", builder).empty());
      builder.add(name_of("x.example.com"), row.type, 60, row.rdata, {"z", 9, 1});
      base::Diagnostics warnings;
      const auto zone = std::move(builder).build(warnings);
      CHECK(zone.has_value() == row.taken);
      if (!zone) {
        CHECK(zone.error().to_text() ==
              fmt::format("z:9:1: malformed {} rdata of {} bytes at 'x.example.com'\n",
                          dns::to_string(row.type), row.rdata.size()));
      }
    }
    // A name of 255 bytes is the longest; 256 are too many.
    std::vector<std::uint8_t> longest;
    for (const std::uint8_t size : std::array<std::uint8_t, 4>{63, 63, 63, 61}) {
      longest.push_back(size);
      longest.insert(longest.end(), size, 'x');
    }
    auto too_long = longest;
    longest.push_back(0);
    too_long[192] = 62;
    too_long.insert(too_long.end(), {'x', 0});
    for (const auto& [rdata, taken] : {std::pair{longest, true}, std::pair{too_long, false}}) {
      zone::ZoneBuilder builder(name_of("example.com"));
      REQUIRE(zone::parse_zone_text(kHead, "z", builder).empty());
      builder.add(name_of("x.example.com"), Rtype::Ptr, 60, rdata, {"z", 9, 1});
      base::Diagnostics warnings;
      CHECK(std::move(builder).build(warnings).has_value() == taken);
    }
  }

  TEST_CASE("types of queries, huge TTLs and huge rrsets are refused") {
    struct AddRow {
      const char* why;
      Rtype type;
      std::uint32_t ttl_s;
      const char* expected;
    };
    const AddRow rows[] = {
        {"ANY", Rtype::Any, 60, "z:9:1: ANY is a type of queries, not of records\n"},
        {"AXFR", Rtype::Axfr, 60, "z:9:1: AXFR is a type of queries, not of records\n"},
        {"OPT", Rtype::Opt, 60, "z:9:1: OPT is a type of queries, not of records\n"},
        {"128", Rtype{128}, 60, "z:9:1: TYPE128 is a type of queries, not of records\n"},
        {"0", Rtype{0}, 60, "z:9:1: TYPE0 is a type of queries, not of records\n"},
        {"TTL of 2^31", Rtype::A, 0x8000'0000,
         "z:9:1: TTL 2147483648 is too large; write at most 2147483647 (RFC 2181 8)\n"},
        {"TTL of 2^31 - 1", Rtype::A, 0x7fff'ffff, ""},
        {"256 is no meta type", Rtype{256}, 60, ""},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      zone::ZoneBuilder builder(name_of("example.com"));
      REQUIRE(zone::parse_zone_text(kHead, "z", builder).empty());
      builder.add(name_of("x.example.com"), row.type, row.ttl_s, kAddress, {"z", 9, 1});
      base::Diagnostics warnings;
      const auto zone = std::move(builder).build(warnings);
      CHECK((zone ? std::string{} : zone.error().to_text()) == row.expected);
    }
  }

  TEST_CASE("an rrset is as large as a message may carry") {
    // 12 bytes a record beside its rdata: 250 records of 248 bytes are exactly 65,000.
    for (const auto& [extra, taken] : {std::pair{0, true}, std::pair{1, false}}) {
      zone::ZoneBuilder builder(name_of("example.com"));
      REQUIRE(zone::parse_zone_text(kHead, "z", builder).empty());
      for (int i = 0; i < 250; ++i) {
        std::vector<std::uint8_t> rdata(static_cast<std::size_t>(248 + (i == 0 ? extra : 0)),
                                        static_cast<std::uint8_t>(i));
        builder.add(name_of("x.example.com"), Rtype{65280}, 60, rdata, {"z", 10 + i, 1});
      }
      base::Diagnostics warnings;
      const auto zone = std::move(builder).build(warnings);
      REQUIRE(zone.has_value() == taken);
      if (taken) {
        CHECK(zone->find_rrset(name_of("x.example.com"), Rtype{65280})->count == 250);
      } else {
        CHECK(zone.error().to_text() ==
              "z:259:1: the TYPE65280 records of 'x.example.com' take more than 65000 bytes and "
              "fit no DNS message; use fewer\n");
      }
    }
  }

  TEST_CASE("a builder that misses records fails without complaining about what is missing") {
    zone::ZoneBuilder builder(name_of("example.com"), "file");
    builder.note_missing_records();
    base::Diagnostics warnings;
    const auto zone = std::move(builder).build(warnings);
    REQUIRE(!zone.has_value());
    CHECK(zone.error().empty());
  }

  TEST_CASE("owners and apex are taken in any case") {
    zone::ZoneBuilder builder(name_of("EXAMPLE.com"));
    CHECK(dns::to_string(builder.apex()) == "example.com");
    REQUIRE(zone::parse_zone_text(kHead, "z", builder).empty());
    builder.add(name_of("WwW.Example.COM"), Rtype::A, 60, kAddress, {"z", 9, 1});
    base::Diagnostics warnings;
    const auto zone = std::move(builder).build(warnings);
    REQUIRE(zone.has_value());
    CHECK(zone->find_rrset(name_of("www.example.com"), Rtype::A).has_value());
  }
}

}  // namespace meridian::test

#include "config/compile/compile.hpp"

#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

namespace meridian::compile {
namespace {

test::MapFixture standard() { return test::MapFixture(MERIDIAN_BINARY_DIR "/share/meridian"); }

}  // namespace

TEST_SUITE("compile/compile") {
  TEST_CASE("the standard map compiles without a word") {
    const auto fixture = standard();
    fixture.write_standard();
    CHECK(fixture.problems() == "");
    const auto compiled = fixture.must_compile();
    CHECK(compiled.snapshot->zones.size() == 1);
    CHECK(compiled.snapshot->services.size() == 3);
    CHECK(compiled.snapshot->endpoints.size() == 9);
    CHECK(compiled.rulebook->maps.size() == 1);
  }

  TEST_CASE("each mistake is told once, where it stands, with what would be right") {
    struct Row {
      const char* why;
      const char* file;
      const char* text;
      const char* expected;
    };
    const Row rows[] = {
        {"a map nobody defined", "services.yaml",
         "services:\n  www.example.com: {map: wbe, pools: {ams: [192.0.2.1], sin: [192.0.2.2]}}\n",
         "services.yaml:2:26: map 'wbe' is not defined; did you mean 'web'?\n"},
        {"a pool where there is no datacenter", "services.yaml",
         "services:\n  www.example.com: {map: web, pools: {amz: [192.0.2.1], sin: [192.0.2.2]}}\n",
         "services.yaml:2:39: pool of 'www.example.com': datacenter 'amz' is not defined; did you mean "
         "'ams'?\n"},
        {"a service outside our zones", "services.yaml",
         "services:\n  www.example.org: {map: web, pools: {ams: [192.0.2.1], sin: [192.0.2.2]}}\n",
         "services.yaml:2:3: 'www.example.org' lies in none of the zones under "},
        {"a steered name with static addresses", "services.yaml",
         "services:\n  static.example.com: {map: web, pools: {ams: [192.0.2.1], sin: [192.0.2.2]}}\n",
         "static.example.com"},
        {"an `only` rule that leaves nothing", "services.yaml",
         "services:\n  www.example.com: {map: web, pools: {ams: [192.0.2.1]}}\n",
         "services.yaml:2:3: 'www.example.com' has no pool in use in any datacenter of the rule at "},
        {"a pool not yet in use counts as none", "services.yaml",
         "services:\n  www.example.com: {map: web, pools: {ams: [192.0.2.1], sin: {addresses: [192.0.2.2], "
         "force: down}}}\n",
         "services.yaml:2:3: 'www.example.com' has no pool in use in any datacenter of the rule at "},
        {"a view of nothing", "services.yaml",
         "services:\n  one.example.com: {datacenter: ams, of: www.example.com}\n",
         "services.yaml:2:42: 'www.example.com' is not a service with pools of its own\n"},
        {"a view of a datacenter without a pool", "services.yaml",
         "services:\n  www.example.com: {map: web, pools: {ams: [192.0.2.1], sin: [192.0.2.2]}}\n"
         "  one.example.com: {datacenter: iad, of: www.example.com}\n",
         "services.yaml:3:33: 'www.example.com' has no pool in datacenter 'iad'\n"},
        {"a database the site does not name", "maps.yaml", "maps:\n  web: {geoip: [tset], rules: []}\n",
         "maps.yaml:2:17: the site file names no GeoIP database 'tset'; did you mean 'test'?\n"},
        {"an AS rule without an AS database", "maps.yaml",
         "maps:\n  web:\n    rules:\n      - {for: AS64496, prefer: [ams]}\n",
         "maps.yaml:4:15: warning: map 'web' names an autonomous system, but no GeoIP database of it has AS "
         "numbers"},
        {"a region no rule uses", "regions.yaml", "regions:\n  europe: [continent:EU]\n  spare: [DE]\n",
         "regions.yaml:3:3: warning: no rule uses region 'spare'\n"},
        {"a zone without SOA", "zones/example.com.zone", "@ 300 NS ns1\nns1 300 A 192.0.2.53\n", "SOA"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto fixture = standard();
      fixture.write_standard();
      fixture.write(row.file, row.text);
      const auto problems = fixture.problems();
      CHECK_MESSAGE(problems.find(row.expected) != std::string::npos, problems);
    }
  }

  TEST_CASE("what can be served but was hardly meant earns a warning, and what is meant does not") {
    struct Row {
      const char* why;
      const char* rules;
      const char* expected;
    };
    const Row rows[] = {
        {"a network that longer ones cover",
         "{for: 82.0.0.0/8, prefer: [ams]}, {for: 82.0.0.0/9, prefer: [iad]}, {for: 82.128.0.0/9, prefer: "
         "[sin]}",
         "maps.yaml:3:13: warning: this rule for 82.0.0.0/8 never wins: more specific rules claim every "
         "address of it; take it out\n"},
        {"an area all of whose countries have rules",
         "{for: continent:NA, prefer: [ams]}, {for: US, prefer: [iad]}",
         "maps.yaml:3:13: warning: this rule for continent:NA never wins: more specific rules claim every "
         "address of it; take it out\n"},
        {"a country all of whose addresses a network covers",
         "{for: 82.0.0.0/8, prefer: [ams]}, {for: DE, prefer: [iad]}, {for: 82.0.0.0/9, prefer: [sin]}",
         "maps.yaml:3:47: warning: this rule for DE never wins: more specific rules claim every address of "
         "it; "
         "take it out\n"},
        {"a country the database does not have", "{for: FR, prefer: [ams]}", ""},
        {"a rule that wins one address", "{for: 82.0.0.0/8, prefer: [ams]}, {for: 82.1.2.3, prefer: [iad]}",
         ""},
        {"a network nobody knows", "{for: 198.18.0.0/15, prefer: [ams]}",
         "maps.yaml:3:19: warning: no GeoIP database knows a country for any address of 198.18.0.0/15; is it "
         "the "
         "network you mean?\n"},
        {"a network of which a part is known", "{for: 80.0.0.0/4, prefer: [ams]}", ""},
        {"private space is in no country", "{for: 10.0.0.0/8, prefer: [ams]}", ""},
        {"a datacenter in no tier", "{for: everyone, only: [ams, sin]}",
         "datacenters.yaml:4:3: warning: no map can send anybody to datacenter 'iad'; name it in a rule, or "
         "take "
         "it out\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto fixture = standard();
      fixture.write_standard();
      fixture.write("regions.yaml", "regions: {}\n");
      fixture.write("maps.yaml", "maps:\n  web:\n    rules: [" + std::string{row.rules} + "]\n");
      CHECK(fixture.problems() == row.expected);
    }
  }

  TEST_CASE("a datacenter behind a view alone can be reached") {
    const auto fixture = standard();
    fixture.write_standard();
    fixture.write("regions.yaml", "regions: {}\n");
    fixture.write("maps.yaml", "maps:\n  web: {rules: [{for: everyone, only: [ams, sin]}]}\n");
    fixture.write("services.yaml",
                  "services:\n  www.example.com: {map: web, pools: {ams: [192.0.2.1], iad: [192.0.2.2]}}\n"
                  "  one.example.com: {datacenter: iad, of: www.example.com}\n");
    CHECK(fixture.problems() == "");
  }

  TEST_CASE("mistakes in several files are told in one go, one message each") {
    const auto fixture = standard();
    fixture.write_standard();
    fixture.write("regions.yaml", "regions:\n  europe: [continent:EU]\n  old: [DD]\n");
    fixture.write("maps.yaml",
                  "maps:\n  web:\n    rules:\n"
                  "      - {for: eurpoe, prefer: [ams]}\n"  // unknown region
                  "      - {for: US, prefer: [iad]}\n"
                  "      - {for: US, prefer: [sin]}\n"              // duplicate place
                  "      - {for: 192.0.2.7/24, prefer: [ams]}\n");  // bad network
    fixture.write("services.yaml",
                  "services:\n  www.example.com: {map: web, pools: {amz: [192.0.2.1]}}\n");  // missing pool
    std::filesystem::rename(fixture.map_folder() + "/datacenters.yaml", fixture.map_folder() + "/d.txt");
    std::filesystem::create_directory(fixture.map_folder() + "/datacenters.d");
    std::filesystem::rename(fixture.map_folder() + "/d.txt", fixture.map_folder() + "/datacenters.d/10.yaml");
    const auto problems = fixture.problems();
    for (const auto* expected :
         {"maps.yaml:4:15: region 'eurpoe' is not defined; did you mean 'europe'?",
          "maps.yaml:6:9: two rules of map 'web' claim US",
          "maps.yaml:7:15: '192.0.2.7/24' has host bits set",
          "services.yaml:2:39: pool of 'www.example.com': datacenter 'amz' is not defined",
          "regions.yaml:3:9: 'DD' is not a country code"}) {
      CAPTURE(problems);
      const auto first = problems.find(expected);
      CHECK(first != std::string::npos);
      CHECK(problems.find(expected, first + 1) == std::string::npos);
    }
  }

  TEST_CASE("a misspelt region is one message, not also an unused one") {
    const auto fixture = standard();
    fixture.write_standard();
    fixture.write("maps.yaml", "maps:\n  web:\n    rules:\n      - {for: eurpe, prefer: [ams]}\n");
    CHECK(fixture.problems() == "maps.yaml:4:15: region 'eurpe' is not defined; did you mean 'europe'?\n");
  }

  TEST_CASE("a file that cannot be read does not make others look wrong") {
    const auto fixture = standard();
    fixture.write_standard();
    fixture.write("datacenters.yaml", "datacenters:\n\tams: {at: [52, 4]}\n");
    const auto problems = fixture.problems();
    CHECK(problems.find("datacenters.yaml:2:1: ") != std::string::npos);
    CHECK(problems.find("is not defined") == std::string::npos);
  }

  TEST_CASE("a database that is not one is told by its path") {
    const auto fixture = standard();
    fixture.write_standard();
    fixture.folder().write("test.mmdb", "not a database");
    CHECK(fixture.problems().find("/test.mmdb: ") != std::string::npos);
  }

  TEST_CASE("tier lists are interned: thousands of leaves share a handful") {
    const auto fixture = standard();
    fixture.write_standard();
    const auto compiled = fixture.must_compile();
    CHECK(compiled.snapshot->tiers.size() <= 6);
  }

  TEST_CASE("reserved space that nobody named never narrows a scope") {
    const auto fixture = standard();
    fixture.write_standard();
    fixture.write("maps.yaml", "maps:\n  web:\n    rules:\n      - {for: everyone, prefer: [ams]}\n");
    const auto compiled = fixture.must_compile();
    CHECK(compiled.snapshot->maps[0].v4.leaf_count() == 1);
    CHECK(compiled.snapshot->maps[0].v6.leaf_count() == 1);
    CHECK(compiled.snapshot->maps[0].unnamed_private.size() == 9);
  }
}

}  // namespace meridian::compile

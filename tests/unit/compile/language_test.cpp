// What the map language says beyond the places and tiers of rule_index and tier_order: rules that end,
// cities, networks files, rules for resolvers, cname pools, databases shared by maps.
#include "config/compile/compile.hpp"

#include "config/compile/expiry.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <string>

namespace meridian::compile {
namespace {

using namespace std::chrono_literals;

struct Fixture : test::MapFixture {
  Fixture() : MapFixture(MERIDIAN_BINARY_DIR "/share/meridian") {}
};

std::string rules(const std::string& text, const std::string& resolvers = "") {
  return "maps:\n  web:\n    rules:\n" + text + (resolvers.empty() ? "" : "    resolvers:\n" + resolvers);
}

/// The first datacenter of a client.
std::string first_of(const query::Snapshot& snapshot, std::string_view address) {
  const auto parsed = *base::parse_ip_address(address);
  const auto leaf = snapshot.maps[0].tree(parsed.family).lookup(parsed);
  const auto list = snapshot.tiers.list(static_cast<base::TiersId>(leaf.value));
  return list.empty() ? "" : snapshot.datacenters[base::index_of(list[0].datacenter)].name;
}

Compiled compile_at(const test::MapFixture& fixture, std::chrono::system_clock::time_point now) {
  auto compiled = load_and_compile(fixture.sources(), 1, now);
  REQUIRE_MESSAGE(compiled.has_value(), (compiled ? "" : compiled.error().to_text()));
  return std::move(*compiled);
}

test::MmdbValue city(const char* country, const char* name, std::uint32_t id) {
  return test::mmdb_map(
      {{"country", test::mmdb_map({{"iso_code", country}})},
       {"city", test::mmdb_map({{"geoname_id", id}, {"names", test::mmdb_map({{"en", name}})}})}});
}

}  // namespace

TEST_SUITE("compile/language") {
  TEST_CASE("a rule holds until the end of its last day, in UTC") {
    const Fixture fixture;
    fixture.write_standard();
    fixture.write("maps.yaml", rules("      - {for: GB, prefer: [sin], until: 2027-03-01}\n"
                                     "      - {for: everyone, prefer: [iad]}\n"));
    const std::chrono::sys_seconds last_second{std::chrono::sys_days{2027y / 3 / 1} + 24h - 1s};
    const auto before = compile_at(fixture, last_second);
    CHECK(first_of(*before.snapshot, "81.2.69.1") == "sin");
    CHECK(before.stale_at == std::chrono::sys_days{2027y / 3 / 2});
    const auto after = compile_at(fixture, last_second + 1s);
    CHECK(first_of(*after.snapshot, "81.2.69.1") == "iad");
    CHECK_FALSE(after.stale_at);
  }

  TEST_CASE("a rule that ended or will soon is warned of") {
    const Fixture fixture;
    fixture.write_standard();
    fixture.write("maps.yaml", rules("      - {for: GB, prefer: [sin], until: 2027-03-01}\n"));
    struct Row {
      std::chrono::sys_days day;
      const char* warning;
    };
    const Row rows[] = {
        {2027y / 2 / 14, ""},
        {2027y / 2 / 15,
         "the rule for GB ends with 2027-03-01, in 14 days; give it a later day if it is to stay\n"},
        {2027y / 2 / 28,
         "the rule for GB ends with 2027-03-01, tomorrow; give it a later day if it is to stay\n"},
        {2027y / 3 / 1,
         "the rule for GB ends with 2027-03-01, today; give it a later day if it is to stay\n"},
        {2027y / 3 / 2, "the rule for GB ended with 2027-03-01 and is left out; delete it\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(to_date(row.day));
      config::MapDirectory model = config::load_map_directory(fixture.map_folder()).model;
      base::Diagnostics warnings;
      static_cast<void>(drop_ended_rules(model, row.day + 12h, warnings));
      const auto text = warnings.to_text();
      const std::string where = fixture.map_folder() + "/maps.yaml:4:9: warning: ";
      CHECK(text == (std::string{row.warning}.empty() ? "" : where + row.warning));
    }
  }

  TEST_CASE("a city no database knows is a warning with the nearest one") {
    const Fixture fixture;
    fixture.write_standard();
    test::MmdbWriter writer;
    writer.insert("82.0.0.0/8", city("DE", "Munich (Altstadt)", 2'867'714));
    writer.insert("81.2.69.0/24", city("GB", "Munich", 1));
    fixture.set_database(writer);
    fixture.write("regions.yaml", "regions:\n  towns: [city:DE/munich, city:DE/Munnich]\n");
    fixture.write("maps.yaml", rules("      - {for: towns, prefer: [sin]}\n"
                                     "      - {for: everyone, prefer: [iad]}\n"));
    CHECK(fixture.problems() ==
          "regions.yaml:2:27: warning: no GeoIP database of map 'web' knows a city 'Munnich' in DE, so the "
          "rule "
          "never wins; did you mean 'Munich'?\n");
    const auto compiled = fixture.must_compile();
    CHECK(first_of(*compiled.snapshot, "82.1.1.1") == "sin");
    CHECK(first_of(*compiled.snapshot, "81.2.69.1") == "iad");
  }

  TEST_CASE("rules that need what no database has are warned of, for resolvers too") {
    const Fixture fixture;
    fixture.write_standard();
    fixture.write("regions.yaml", "regions: {}\n");
    fixture.write("maps.yaml", rules("      - {for: city:DE/Munich, prefer: [sin]}\n",
                                     "      - {for: geoname:2867714, prefer: [sin]}\n"));
    CHECK(
        fixture.problems() ==
        "maps.yaml:4:15: warning: map 'web' names a city, but no GeoIP database of it has cities, so the "
        "rule "
        "never wins; add one under 'geoip' in the site file\n"
        "maps.yaml:6:15: warning: map 'web' names a city by its GeoNames id, but no GeoIP database of it has "
        "GeoNames ids, so the rule never wins; add one under 'geoip' in the site file\n");
  }

  TEST_CASE("a city in a country or subdivision that is none is an error") {
    const Fixture fixture;
    fixture.write_standard();
    fixture.write("regions.yaml", "regions: {}\n");
    fixture.write("maps.yaml", rules("      - {for: city:DD/Munich, prefer: [sin]}\n"
                                     "      - {for: city:US-TY/Dallas, prefer: [sin]}\n"));
    const auto problems = fixture.problems();
    CHECK(problems.find("maps.yaml:4:15: 'DD' is not a country code of ISO 3166-1") != std::string::npos);
    CHECK(problems.find("maps.yaml:5:15: 'US-TY' is not a subdivision code of ISO 3166-2") !=
          std::string::npos);
  }

  TEST_CASE("two rules that claim one city are an error, however it is written") {
    const Fixture fixture;
    fixture.write_standard();
    fixture.write("regions.yaml", "regions: {}\n");
    fixture.write("maps.yaml", rules("      - {for: city:BR/São Paulo, prefer: [sin]}\n"
                                     "      - {for: city:BR/sao paulo, prefer: [iad]}\n"));
    CHECK(fixture.problems().find("maps.yaml:5:9: two rules of map 'web' claim city:BR/sao paulo") !=
          std::string::npos);
  }

  TEST_CASE("a network in two files never blocks a load: the first rule wins, and one warning says so") {
    const Fixture fixture;
    fixture.write_standard();
    fixture.write("regions.yaml", "regions: {}\n");
    fixture.write("a.nets", "198.51.100.0/24\n203.0.113.0/24\n");
    fixture.write("b.nets", "# more\n203.0.113.0/24\n198.51.100.0/24\n192.0.2.0/24\n");
    fixture.write("maps.yaml", rules("      - {for: \"file:b.nets\", prefer: [sin]}\n"
                                     "      - {for: \"file:a.nets\", prefer: [iad]}\n"));
    CHECK(fixture.problems() ==
          "a.nets:1:1: warning: 198.51.100.0/24 (and 1 more) stands in b.nets too (line 3); the rule at "
          "maps.yaml:4:9 comes first in map 'web' and wins over the one at maps.yaml:5:9\n");
    const auto compiled = fixture.must_compile();
    CHECK(compiled.networks_file_conflicts == 2);
    CHECK(first_of(*compiled.snapshot, "198.51.100.1") == "sin");

    // With equal tiers it does not matter, and nothing is said.
    fixture.write("maps.yaml", rules("      - {for: \"file:b.nets\", prefer: [sin]}\n"
                                     "      - {for: \"file:a.nets\", prefer: [sin]}\n"));
    CHECK(fixture.problems() == "");
    CHECK(fixture.must_compile().networks_file_conflicts == 0);
  }

  TEST_CASE("a network that is written out beats the same one in a file") {
    const Fixture fixture;
    fixture.write_standard();
    fixture.write("regions.yaml", "regions: {offices: [82.1.0.0/24]}\n");
    fixture.write("a.nets", "82.1.0.0/24\n");
    fixture.write("maps.yaml", rules("      - {for: \"file:a.nets\", prefer: [sin]}\n"
                                     "      - {for: offices, prefer: [iad]}\n"));
    CHECK(fixture.problems() == "");
    CHECK(first_of(*fixture.must_compile().snapshot, "82.1.0.1") == "iad");
  }

  TEST_CASE("a million networks of one feed are few decisions and merge where they touch") {
    const Fixture fixture;
    fixture.write_standard();
    fixture.write("regions.yaml", "regions: {}\n");
    std::string feed;
    for (unsigned i = 0; i < 20'000; ++i) feed += fmt::format("100.{}.{}.0/24\n", 64 + i / 256, i % 256);
    fixture.write("a.nets", feed);
    fixture.write("maps.yaml", rules("      - {for: \"file:a.nets\", prefer: [sin]}\n"
                                     "      - {for: everyone, prefer: [iad]}\n"));
    const auto compiled = fixture.must_compile();
    // 20,000 networks in a row: a handful of aligned blocks.
    CHECK(compiled.snapshot->maps[0].v4.leaf_count() < 60);
    CHECK(first_of(*compiled.snapshot, "100.64.1.1") == "sin");
    const auto& chains = compiled.rulebook->maps[0].rules.chains();
    CHECK(chains.count() == 20'001);
    CHECK(chains.chain(1).kind() == chains.chain(20'000).kind());
  }

  TEST_CASE("rules for resolvers are a trie of their own, empty where none holds") {
    const Fixture fixture;
    fixture.write_standard();
    fixture.write("regions.yaml", "regions: {}\n");
    const std::string own = "      - {for: everyone, prefer: [iad]}\n";
    fixture.write("maps.yaml",
                  rules(own, "      - {for: GB, prefer: [sin]}\n      - {for: 8.8.8.0/24, only: []}\n"));
    CHECK(fixture.problems() == "");
    const auto compiled = fixture.must_compile();
    const auto& map = compiled.snapshot->maps[0];
    CHECK(map.has_resolvers);
    CHECK(map.v4.leaf_count() == 1);
    const auto tiers_of = [&](std::string_view address) {
      return map.resolvers_v4.lookup(*base::parse_ip_address(address)).value;
    };
    CHECK(tiers_of("8.8.4.4") == query::kNoResolverRule);
    REQUIRE(tiers_of("81.2.69.1") != query::kNoResolverRule);
    CHECK(compiled.snapshot->tiers.list(base::TiersId{tiers_of("8.8.8.8") - 1}).empty());

    // The families are compiled side by side; their lists are one table all the same.
    fixture.write("maps.yaml", rules(own,
                                     "      - {for: GB, prefer: [sin]}\n      - {for: 8.8.8.0/24, only: []}\n"
                                     "      - {for: \"2001:db8:77::/48\", prefer: [ams]}\n"));
    const auto both = fixture.must_compile();
    const auto found = both.snapshot->maps[0].resolvers_v6.lookup(*base::parse_ip_address("2001:db8:77::1"));
    REQUIRE(found.value != query::kNoResolverRule);
    const auto list = both.snapshot->tiers.list(base::TiersId{found.value - 1});
    CHECK(both.snapshot->datacenters[base::index_of(list[0].datacenter)].name == "ams");

    fixture.write("maps.yaml", rules(own));
    CHECK_FALSE(fixture.must_compile().snapshot->maps[0].has_resolvers);
    fixture.write("maps.yaml", rules(own, "      - {for: GB, prefer: [amz]}\n"));
    CHECK(fixture.problems() == "maps.yaml:6:28: datacenter 'amz' is not defined; did you mean 'ams'?\n");
  }

  TEST_CASE("what a name with a cname pool can't have") {
    struct Row {
      const char* why;
      const char* services;
      const char* expected;
    };
    const Row rows[] = {
        {"the apex",
         "services:\n  example.com: {map: web, pools: {ams: [192.0.2.1], sin: {cname: a.test}}}\n",
         "services.yaml:2:3: 'example.com' is the apex of its zone and has a pool with 'cname'; a CNAME "
         "can't stand "
         "beside SOA and NS (RFC 1034 3.6.2), so list addresses\n"},
        {"a sorry page at the apex",
         "services:\n  example.com: {map: web, pools: {ams: [192.0.2.1], sin: [192.0.2.2]}, on_all_down: "
         "{cname: "
         "a.test}}\n",
         "services.yaml:2:3: 'example.com' is the apex of its zone and has a pool with 'cname'"},
        {"records beside it",
         "services:\n  x.wild.example.com: {map: web, pools: {sin: {cname: a.test}}}\n"
         "  \"*.wild.example.com\": {map: web, pools: {sin: {cname: a.test}}}\n",
         "services.yaml:3:3: '*.wild.example.com' has a pool with 'cname', but also a static TXT record at "},
        {"itself", "services:\n  w.example.com: {map: web, pools: {sin: {cname: W.example.com}}}\n",
         "services.yaml:2:50: 'w.example.com' is an alias for itself; name another name or list addresses\n"},
        {"a view of one beside records",
         "services:\n  w.example.com: {map: web, pools: {sin: {cname: a.test}}}\n"
         "  static.example.com: {datacenter: sin, of: w.example.com}\n",
         "services.yaml:3:3: 'static.example.com' has a pool with 'cname', but also a static A record at "},
        {"a name that is not there",
         "services:\n  w.example.com: {map: web, pools: {sin: {cname: gone.example.com}}}\n",
         "services.yaml:2:50: warning: 'w.example.com' leads to 'gone.example.com', which does not exist in "
         "'example.com'; add its records there\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const Fixture fixture;
      fixture.write_standard();
      fixture.write("services.yaml", row.services);
      const auto problems = fixture.problems();
      CHECK_MESSAGE(problems.find(row.expected) != std::string::npos, problems);
    }
  }

  TEST_CASE("maps and databases that use one file share one decode of it") {
    const Fixture fixture;
    fixture.write_standard();
    fixture.write("maps.yaml", "maps:\n  web: {geoip: [one]}\n  other: {geoip: [two]}\n  third: {}\n");
    auto sources = fixture.sources();
    const auto path = sources.geoip[0].files[0];
    sources.geoip = {{"one", {path}, {}}, {"two", {path}, {}}};
    const auto compiled = load_and_compile(sources, 1, {});
    REQUIRE(compiled.has_value());
    const auto& maps = compiled->rulebook->maps;
    REQUIRE(maps.size() == 3);
    const auto& file = compiled->rulebook->geography.databases[0].files[0];
    for (const auto& map : maps) {
      for (const auto& used : map.database.files()) CHECK(used == file);
    }
    CHECK(maps[2].database.files().size() == 2);
  }
}

}  // namespace meridian::compile

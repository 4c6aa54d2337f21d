#include "config/compile/rule_index.hpp"

#include "config/load.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace meridian::compile {
namespace {

const geo::Places& places() {
  static const auto loaded = geo::load_places(MERIDIAN_BINARY_DIR "/share/meridian/places.json");
  REQUIRE(loaded.has_value());
  return *loaded;
}

/// The rules of map `m`, with what was wrong with them.
struct Indexed {
  Indexed(std::string_view regions, std::string_view rules) {
    config::MapBuilder builder("map");
    builder.add_text(config::FileKind::Datacenters, "datacenters:\n  a: {at: [0, 0]}\n", "datacenters.yaml");
    builder.add_text(config::FileKind::Regions, regions, "regions.yaml");
    builder.add_text(config::FileKind::Maps, "maps:\n  m:\n    rules:\n" + std::string{rules}, "maps.yaml");
    builder.add_text(config::FileKind::Services, "services: {}\n", "services.yaml");
    builder.add_zone_file("example.com.zone");
    loaded = builder.take();
    REQUIRE_MESSAGE(!loaded.diagnostics.has_errors(), loaded.diagnostics.to_text());
    PlaceResolver resolver(loaded.model, true, places(), database_countries, diagnostics);
    index = std::make_unique<RuleIndex>(loaded.model, loaded.model.maps.front(), RuleSet::Clients, places(),
                                        resolver, diagnostics);
  }

  /// The line in maps.yaml of the rule that wins; 0 for none.
  int winner(const geo::Place& place, std::string_view address = "192.0.2.1") const {
    const auto parsed = *base::parse_ip_address(address);
    const auto chain = index->network_tree(parsed.family).lookup(parsed).value;
    const auto win = index->find(place, chain);
    return win.rule == kImplicitRule ? 0 : index->rules()[win.rule].where.line - 3;
  }

  config::LoadedMap loaded;
  std::vector<std::string> database_countries{"XX"};
  base::Diagnostics diagnostics;
  std::unique_ptr<RuleIndex> index;
};

geo::Place place(std::string country, std::string continent = "", std::string outer = "",
                 std::string inner = "", std::uint32_t as_number = 0) {
  geo::Place made;
  made.country = std::move(country);
  made.continent = std::move(continent);
  made.outer_subdivision = std::move(outer);
  made.inner_subdivision = std::move(inner);
  made.as_number = as_number;
  return made;
}

constexpr const char* kNoRegions = "regions: {}\n";

}  // namespace

TEST_SUITE("compile/rule_index") {
  TEST_CASE("the most specific place wins, whatever the order of the rules") {
    const char* rules =
        "      - {for: everyone, prefer: [a]}\n"           // 1
        "      - {for: m49:150, prefer: [a]}\n"            // 2  Europe
        "      - {for: m49:154, prefer: [a]}\n"            // 3  Northern Europe
        "      - {for: GB, prefer: [a]}\n"                 // 4
        "      - {for: GB-ENG, prefer: [a]}\n"             // 5
        "      - {for: GB-LND, prefer: [a]}\n"             // 6
        "      - {for: AS64496, prefer: [a]}\n"            // 7
        "      - {for: 203.0.113.0/24, prefer: [a]}\n"     // 8
        "      - {for: 203.0.113.128/25, prefer: [a]}\n";  // 9
    const Indexed indexed(kNoRegions, rules);
    CHECK(indexed.diagnostics.to_text().empty());
    struct Row {
      const char* why;
      geo::Place client;
      const char* address;
      int line;
    };
    const Row rows[] = {
        {"nothing known", place(""), "192.0.2.1", 1},
        {"another continent", place("US", "NA"), "192.0.2.1", 1},
        {"the wide area", place("DE", "EU"), "192.0.2.1", 2},
        {"the area with fewer countries", place("SE", "EU"), "192.0.2.1", 3},
        {"the country", place("GB", "EU"), "192.0.2.1", 4},
        {"the outer subdivision", place("GB", "EU", "GB-ENG"), "192.0.2.1", 5},
        {"the inner subdivision", place("GB", "EU", "GB-ENG", "GB-LND"), "192.0.2.1", 6},
        {"the AS before any subdivision", place("GB", "EU", "GB-ENG", "GB-LND", 64496), "192.0.2.1", 7},
        {"a network before the AS", place("GB", "EU", "", "", 64496), "203.0.113.1", 8},
        {"the longest network", place("GB", "EU", "", "", 64496), "203.0.113.200", 9},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(indexed.winner(row.client, row.address) == row.line);
    }
  }

  TEST_CASE("a place that a rule names itself beats the same place from a region") {
    const Indexed indexed("regions:\n  dach: [DE, AT, CH]\n",
                          "      - {for: dach, prefer: [a]}\n"
                          "      - {for: AT, prefer: [a]}\n");
    CHECK(indexed.diagnostics.to_text().empty());
    CHECK(indexed.winner(place("DE")) == 1);
    CHECK(indexed.winner(place("AT")) == 2);
    CHECK(indexed.winner(place("FR")) == 0);
  }

  TEST_CASE("what `not` takes out falls to the next wider rule") {
    const Indexed indexed(
        "regions:\n"
        "  europe: [continent:EU, not RU, not 203.0.113.0/24]\n"
        "  south: [ES, PT, not PT-30]\n"
        "  club: [europe, RU]\n",
        "      - {for: everyone, prefer: [a]}\n"
        "      - {for: europe, prefer: [a]}\n"
        "      - {for: south, prefer: [a]}\n");
    CHECK_FALSE(indexed.diagnostics.has_errors());
    CHECK(indexed.winner(place("DE", "EU")) == 2);
    CHECK(indexed.winner(place("RU", "EU")) == 1);
    CHECK(indexed.winner(place("DE", "EU"), "203.0.113.9") == 1);
    CHECK(indexed.winner(place("PT", "EU")) == 3);
    CHECK(indexed.winner(place("PT", "EU", "PT-30")) == 2);
  }

  TEST_CASE("`not` of an inner region is the inner region's alone") {
    const Indexed indexed(
        "regions:\n"
        "  europe: [continent:EU, not RU]\n"
        "  club: [europe, RU]\n"
        "  rest: [continent:AS, not asean]\n"
        "  asean: [SG, TH]\n",
        "      - {for: club, prefer: [a]}\n"
        "      - {for: rest, prefer: [a]}\n");
    CHECK(indexed.diagnostics.to_text().empty());
    CHECK(indexed.winner(place("RU", "EU")) == 1);
    CHECK(indexed.winner(place("FR", "EU")) == 1);
    CHECK(indexed.winner(place("JP", "AS")) == 2);
    CHECK(indexed.winner(place("SG", "AS")) == 0);
  }

  TEST_CASE("what cannot be decided is an error that names both places") {
    struct Row {
      const char* why;
      const char* regions;
      const char* rules;
      const char* error;
    };
    const Row rows[] = {
        {"two regions with one country", "regions:\n  x: [DE, AT]\n  y: [CH, DE]\n",
         "      - {for: x, prefer: [a]}\n      - {for: y, prefer: [a]}\n",
         "maps.yaml:5:9: two rules of map 'm' claim DE: this one (place at regions.yaml:3:11) and the one at "
         "maps.yaml:4:9 (place at regions.yaml:2:7); take it out of one of them\n"},
        {"one network twice", kNoRegions,
         "      - {for: 192.0.2.0/24, prefer: [a]}\n      - {for: 192.0.2.0/24, only: [a]}\n",
         "maps.yaml:5:9: two rules of map 'm' claim 192.0.2.0/24: this one (place at maps.yaml:5:15) and the "
         "one at "
         "maps.yaml:4:9 (place at maps.yaml:4:15); take it out of one of them\n"},
        {"two areas that overlap", kNoRegions,
         "      - {for: m49:003, prefer: [a]}\n      - {for: m49:419, prefer: [a]}\n",
         "maps.yaml:5:9: m49:003 and m49:419 overlap: both hold "},
        {"a region nobody defined", "regions:\n  europe: [continent:EU]\n",
         "      - {for: eurpe, prefer: [a]}\n",
         "maps.yaml:4:15: region 'eurpe' is not defined; did you mean 'europe'?\n"},
        {"a region that contains itself", "regions:\n  x: [y]\n  y: [DE, x]\n",
         "      - {for: x, prefer: [a]}\n",
         "regions.yaml:3:11: region 'x' contains itself (x → y → x); take one of them out\n"},
        {"a country nobody knows", kNoRegions, "      - {for: UK, prefer: [a]}\n",
         "maps.yaml:4:15: 'UK' is not a country code of ISO 3166-1; did you mean "},
        {"a subdivision nobody knows", kNoRegions, "      - {for: US-XX, prefer: [a]}\n",
         "maps.yaml:4:15: 'US-XX' is not a subdivision code of ISO 3166-2; did you mean "},
        {"an area nobody knows", kNoRegions, "      - {for: m49:999, prefer: [a]}\n",
         "maps.yaml:4:15: '999' is not a UN M49 area\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const Indexed indexed(row.regions, row.rules);
      CHECK(indexed.diagnostics.error_count() == 1);
      const auto text = indexed.diagnostics.to_text();
      CHECK_MESSAGE(text.starts_with(row.error), text);
    }
  }

  TEST_CASE("a country only a database has earns a warning") {
    const Indexed indexed(kNoRegions, "      - {for: XX, prefer: [a]}\n");
    CHECK_FALSE(indexed.diagnostics.has_errors());
    CHECK(indexed.diagnostics.warning_count() == 1);
    CHECK(indexed.winner(place("XX")) == 1);
  }
}

}  // namespace meridian::compile

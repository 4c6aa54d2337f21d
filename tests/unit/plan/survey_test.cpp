#include "plan/survey.hpp"

#include "plan/compare.hpp"
#include "plan/survey_text.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace meridian::plan {
namespace {

constexpr const char* kRules =
    "maps:\n  web:\n    rules:\n"
    "      - {for: europe, prefer: [ams]}\n"
    "      - {for: US, prefer: [{iad: 75, sin: 25}]}\n"
    "      - {for: CN, only: [sin]}\n"
    "      - {for: 82.128.0.0/9, prefer: [iad, sin], note: \"half of Germany\"}\n"
    "      - {for: 203.0.113.0/24, prefer: [sin]}\n"
    "      - {for: everyone, prefer: [sin]}\n";

struct World {
  explicit World(const std::string& rules = kRules) {
    map.write_standard();
    map.write("maps.yaml", rules);
  }
  test::MapFixture map{MERIDIAN_BINARY_DIR "/share/meridian"};
};

Survey survey_of(const compile::Compiled& compiled, const std::string& service = {},
                 std::vector<AssumedState> states = {}, const Demand* demand = nullptr) {
  const auto subjects = find_subjects(*compiled.snapshot, {}, service).value();
  REQUIRE(subjects.size() == 1);
  return survey(compiled, subjects.front(), states, demand);
}

std::string order_text(const Survey& survey, std::size_t order) {
  return first_text(survey.orders[order]) + " / " + then_text(survey.orders[order]);
}

/// "DE 100 ams / iad, sin; 200 …"
std::string country_text(const Survey& survey, const std::string& code) {
  for (const auto& country : survey.countries) {
    if (country.code != code) continue;
    auto text = country.code;
    for (const auto& part : country.parts) {
      text += (text.size() == code.size() ? " " : "; ") +
              std::to_string(static_cast<long long>(part.amount.v4)) + " " + order_text(survey, part.order);
    }
    return text;
  }
  return {};
}

Amount rule_amount(const Survey& survey, const std::string& place) {
  for (const auto& rule : survey.rules) {
    if (rule.place == place) return rule.amount;
  }
  return {};
}

}  // namespace

TEST_SUITE("plan/survey") {
  TEST_CASE("each country's space is counted to the last address, by order of datacenters") {
    const World world;
    const auto compiled = world.map.must_compile();
    const auto told = survey_of(compiled);
    CHECK(told.map == "web");
    CHECK(country_text(told, "GB") == "GB 256 ams / iad, sin");
    CHECK(country_text(told, "DE") == "DE 8388608 ams / iad, sin; 8388608 iad / sin, ams");
    CHECK(country_text(told, "US") == "US 16777216 iad 75.0 %, sin 25.0 % / ams");
    CHECK(country_text(told, "CN") == "CN 16777216 sin / –");
    CHECK(country_text(told, "") == " 256 sin / ams, iad");
    CHECK(told.known.v4 == 256 + 65'536 + 4 * 16'777'216 + 256);
    CHECK(told.unknown.v4 == 4'294'967'296 - told.known.v4);
    REQUIRE(told.unknown_parts.size() == 1);
    CHECK(order_text(told, told.unknown_parts[0].order) == "sin / ams, iad");
    // Most addresses first.
    CHECK(told.countries.front().code == "US");
    CHECK(told.countries.front().amount.v6 == 68'719'476'736);
  }

  TEST_CASE("a datacenter has what its clients have together") {
    const World world;
    const auto told = survey_of(world.map.must_compile());
    REQUIRE(told.datacenters.size() == 3);
    CHECK(told.datacenters[0].name == "ams");
    CHECK(told.datacenters[0].amount.v4 == 256 + 8'388'608);
    CHECK(told.datacenters[2].name == "iad");
    CHECK(told.datacenters[2].amount.v4 == 8'388'608 + 16'777'216 * 0.75);
    CHECK(told.datacenters[2].amount.v6 == 68'719'476'736 * 0.75);
  }

  TEST_CASE("a rule has what it wins, though an inner one takes from it") {
    const World world;
    const auto told = survey_of(world.map.must_compile());
    REQUIRE(told.rules.size() == 6);
    CHECK(rule_amount(told, "europe").v4 == 256 + 8'388'608);
    CHECK(rule_amount(told, "82.128.0.0/9").v4 == 8'388'608);
    CHECK(told.rules[3].note == "half of Germany");
    CHECK(told.rules[3].where.line == 7);
    CHECK(rule_amount(told, "203.0.113.0/24").v4 == 256);
    CHECK(rule_amount(told, "everyone").v4 == 16'777'216 + 65'536);
  }

  TEST_CASE("subdivisions, systems and networks files split a country, and count as that country") {
    const World world(
        "maps:\n  web:\n    rules:\n"
        "      - {for: US-CA, prefer: [sin]}\n"
        "      - {for: AS64500, prefer: [ams]}\n"
        "      - {for: \"file:feeds/partner.nets\", prefer: as_listed}\n"
        "      - {for: everyone, prefer: [iad]}\n");
    world.map.write("feeds/partner.nets", "8.3.0.0/24 ams\n8.3.1.0/24 sin\n8.3.2.0/24 ams\n8.1.0.0/24 iad\n");
    const auto us = [](const std::string& state, std::uint32_t system) {
      return test::mmdb_map({{"country", test::mmdb_map({{"iso_code", "US"}})},
                             {"subdivisions", test::mmdb_list({test::mmdb_map({{"iso_code", state}})})},
                             {"autonomous_system_number", system}});
    };
    test::MmdbWriter writer;
    writer.insert("8.0.0.0/16", us("NY", 64'501));
    writer.insert("8.1.0.0/16", us("CA", 64'501));
    writer.insert("8.2.0.0/16", us("CA", 64'500));
    writer.insert("8.3.0.0/16", us("TX", 64'501));
    writer.insert("9.0.0.0/16", test::mmdb_map({{"continent", test::mmdb_map({{"code", "EU"}})}}));
    world.map.set_database(writer);
    const auto told = survey_of(world.map.must_compile());
    REQUIRE(told.countries.size() == 2);
    CHECK(told.countries[0].name == "United States");
    CHECK(country_text(told, "US") == "US 130560 iad / ams, sin; 66048 ams / iad, sin; 65536 sin / ams, iad");
    CHECK(country_text(told, "continent:EU") == "continent:EU 65536 iad / ams, sin");
    CHECK(rule_amount(told, "US-CA").v4 == 65'536 - 256);
    CHECK(rule_amount(told, "AS64500").v4 == 65'536);
    CHECK(rule_amount(told, "file:feeds/partner.nets").v4 == 4 * 256);
    CHECK(rule_amount(told, "everyone").v4 == 3 * 65'536 - 3 * 256);
  }

  TEST_CASE("IPv6 that carries IPv4 addresses is not counted twice") {
    const World world;
    test::MmdbWriter writer;
    for (const auto* network : {"82.0.0.0/8", "2002:5200::/24", "2a00::/12"})
      writer.insert(network, test::mmdb_map({{"country_code", "DE"}}));
    world.map.set_database(writer);
    const auto told = survey_of(world.map.must_compile());
    Amount countries;
    for (const auto& country : told.countries) countries += country.amount;
    CHECK(countries == told.known);
    CHECK(rule_amount(told, "europe").v6 == 68'719'476'736);  // of 2a00::/12 alone
  }

  TEST_CASE("a map without a rule for everyone says what no rule names") {
    const World world("maps:\n  web:\n    rules:\n      - {for: US, prefer: [iad]}\n");
    const auto told = survey_of(world.map.must_compile());
    REQUIRE(told.rules.size() == 2);
    CHECK(told.rules[1].place.empty());
    CHECK(told.rules[1].amount.v4 == told.known.v4 - 16'777'216);
  }

  TEST_CASE("a lost datacenter hands over, and a service has only its own pools") {
    const World world;
    const auto compiled = world.map.must_compile();
    std::vector<AssumedState> states(3);
    states[0].health = 0;
    CHECK(country_text(survey_of(compiled, {}, states), "GB") == "GB 256 iad / sin");
    // A view has one datacenter for everybody.
    const auto view = survey_of(compiled, "one.example.com");
    CHECK(view.service == "one.example.com");
    CHECK(country_text(view, "CN") == "CN 16777216 ams / –");
    CHECK(view.datacenters[0].amount == view.known);
  }

  TEST_CASE("demand counts where it comes from, also from unknown space") {
    const World world;
    const auto demand =
        parse_demand("81.2.69.0/24 30\n59.0.0.0/8 20\n198.51.100.0/24 50\n", "demand.txt").value();
    const auto told = survey_of(world.map.must_compile(), {}, {}, &demand);
    CHECK(told.known.demand == doctest::Approx(100));
    CHECK(told.countries.front().code.empty());  // most of it
    CHECK(told.countries.front().amount.demand == doctest::Approx(50));
    CHECK(told.datacenters[0].amount.demand == doctest::Approx(30));
    CHECK(rule_amount(told, "everyone").demand == doctest::Approx(50));
  }

  TEST_CASE("rules for resolvers are counted, and come first where client subnets are ignored") {
    World world(std::string{kRules} + "    resolvers:\n      - {for: 81.2.69.0/25, prefer: [sin]}\n");
    world.map.write(
        "services.yaml",
        "services:\n  www.example.com: {map: web, client_subnet: ignore, pools: {ams: [192.0.2.1], "
        "iad: [192.0.2.2], sin: [192.0.2.3]}}\n");
    const auto compiled = world.map.must_compile();
    const auto told = survey_of(compiled);
    CHECK(told.resolver_rules == 1);
    CHECK(country_text(told, "GB") == "GB 256 ams / iad, sin");
    const auto ignoring = survey_of(compiled, "www.example.com");
    CHECK(ignoring.as_resolvers);
    CHECK(ignoring.resolver_rules == 0);
    CHECK(country_text(ignoring, "GB") == "GB 128 ams / iad, sin; 128 sin / ams, iad");
    REQUIRE(ignoring.rules.size() == 7);
    CHECK(ignoring.rules[0].for_resolvers);
    CHECK(ignoring.rules[0].amount.v4 == 128);
    CHECK(rule_amount(ignoring, "europe").v4 == 128 + 8'388'608);
  }

  TEST_CASE("maps and services are found by name, with a hint where none is") {
    const World world;
    const auto compiled = world.map.must_compile();
    const auto& snapshot = *compiled.snapshot;
    CHECK(find_subjects(snapshot, {}, {}).value().size() == 1);
    CHECK(find_subjects(snapshot, "web", {}).value().front().service == nullptr);
    CHECK(find_subjects(snapshot, "web", "www.example.com").value().front().service->name ==
          "www.example.com");
    struct Row {
      const char* map;
      const char* service;
      const char* expected;
    };
    const Row rows[] = {
        {"wen", "", "there is no map 'wen'; did you mean 'web'?"},
        {"", "wwww.example.com",
         "the map has no service 'wwww.example.com'; did you mean 'www.example.com'?"},
        {"api", "www.example.com", "'www.example.com' is on map web, not on 'api'"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.expected);
      const auto found = find_subjects(snapshot, row.map, row.service);
      REQUIRE_FALSE(found.has_value());
      CHECK(found.error() == row.expected);
    }
  }
}

}  // namespace meridian::plan

#include "geo/places.hpp"

#include "support/mmdb_writer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

namespace meridian::geo {
namespace {

using test::MemoryFile;

constexpr const char* kShippedPath = MERIDIAN_SOURCE_DIR "/geo/data/places.json";

const Places& shipped() {
  static const auto places = load_places(kShippedPath);
  REQUIRE(places.has_value());
  return *places;
}

constexpr const char* kSmall = R"({
"made_from": ["nothing 1.0"],
"continents": {"EU": {"name": "Europe"}},
"areas": {
  "001": {"name": "World"},
  "150": {"name": "Europe", "parent": "001"},
  "900": {"name": "Odd", "parent": "001", "of": ["150"]}},
"countries": {
  "NO": {"name": "Norway", "alpha3": "NOR", "m49": "578", "continent": "EU", "area": "150", "at": [61, 9.5]}},
"subdivisions": {
  "NO": {"NO-03": "Oslo", "NO-46": {"name": "Vestland", "aka": ["Western Norway"]},
         "NO-99": {"name": "Bergen kommune", "in": "NO-46"}}}
})";

std::string problems_of(const std::string& text) {
  const MemoryFile file(text);
  const auto places = load_places(file.path());
  REQUIRE_FALSE(places.has_value());
  std::string found = places.error().to_text();
  for (auto at = found.find(file.path()); at != std::string::npos; at = found.find(file.path()))
    found.replace(at, file.path().size(), "f");
  return found;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

}  // namespace

TEST_SUITE("geo/places") {
  TEST_CASE("a small file is read field by field") {
    const MemoryFile file(kSmall);
    const auto places = load_places(file.path());
    REQUIRE(places.has_value());
    const auto* norway = places->find_country("NO");
    REQUIRE(norway != nullptr);
    CHECK(norway->name == "Norway");
    CHECK(norway->alpha3 == "NOR");
    CHECK(norway->m49 == "578");
    CHECK(norway->at == base::Coordinates{61.0, 9.5});
    CHECK(places->find_subdivision("NO-99")->outer == "NO-46");
    CHECK(places->subdivision_codes("NO") == std::vector<std::string>{"NO-03", "NO-46", "NO-99"});
    CHECK(places->find_subdivision_by_name("NO", "western norway")->code == "NO-46");
    CHECK(places->area_contains("900", "NO"));
  }

  TEST_CASE("each mistake in the file is told with its place") {
    struct Row {
      const char* why;
      std::string text;
      const char* expected;
    };
    const Row rows[] = {
        {"no JSON", "{\n\"continents\": {]", "f:2:16: not valid JSON: syntax error"},
        {"more than JSON", std::string(kSmall) + "x", "f:13:2: not valid JSON: extra data"},
        {"half of it", "{\"continents\": {", "f:1:17: not valid JSON: incomplete JSON"},
        {"a list at the top", "[1]", "f: the file must be an object"},
        {"a text for an object", replaced(kSmall, "{\"name\": \"World\"}", "\"World\""),
         "f: areas.001: must be an object"},
        {"unknown section", replaced(kSmall, "\"continents\"", "\"moons\""),
         "f: moons: unknown key; known are"},
        {"unknown key", replaced(kSmall, "alpha3", "alpha4"), "f: countries.NO.alpha4: unknown key"},
        {"latitude past the pole", replaced(kSmall, "61,", "91,"),
         "f: countries.NO.at: must be [latitude, longitude]"},
        {"latitude as a text", replaced(kSmall, "61,", "\"61\","),
         "f: countries.NO.at: must be [latitude, longitude]"},
        {"no centre", replaced(kSmall, ", \"at\": [61, 9.5]", ""), "f: countries.NO: has no 'at'"},
        {"three letters", replaced(kSmall, "\"NO\": {\"name", "\"NOR\": {\"name"),
         "f: countries.NOR: is no country code"},
        {"unknown continent", replaced(kSmall, "\"continent\": \"EU\"", "\"continent\": \"XX\""),
         "NO refers to 'XX'"},
        {"unknown area", replaced(kSmall, "\"area\": \"150\"", "\"area\": \"151\""), "NO refers to '151'"},
        {"unknown parent", replaced(kSmall, "\"parent\": \"001\"", "\"parent\": \"002\""),
         "150 refers to '002'"},
        {"an area in itself", replaced(kSmall, "\"parent\": \"001\"", "\"parent\": \"150\""),
         "area 150 lies in itself"},
        {"unknown outer subdivision", replaced(kSmall, "\"in\": \"NO-46\"", "\"in\": \"NO-47\""),
         "NO-99 refers to 'NO-47'"},
        {"foreign subdivision", replaced(kSmall, "NO-03", "SE-03"),
         "f: subdivisions.NO.SE-03: is no subdivision of NO; its code begins with NO-"},
        {"text for a list", replaced(kSmall, "[\"Western Norway\"]", "\"x\""),
         "f: subdivisions.NO.NO-46.aka: must be a list"},
        {"no country", replaced(kSmall, "\"countries\"", "\"made_from\""), "f: no country is listed"},
        {"nothing", "", "f:1:1: not valid JSON: incomplete JSON"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const std::string found = problems_of(row.text);
      CAPTURE(found);
      CHECK(found.find(row.expected) != std::string::npos);
    }
  }

  TEST_CASE("a file that is not there says so") {
    const auto places = load_places("/nonexistent/places.json");
    REQUIRE_FALSE(places.has_value());
    CHECK(places.error().to_text() == "/nonexistent/places.json: cannot read: there is no such file\n");
  }

  TEST_CASE("the shipped file has every country in a continent and an area with a way to the world") {
    CHECK(shipped().countries().size() >= 249);
    CHECK(shipped().continents().size() == 7);
    for (const auto& country : shipped().countries()) {
      CAPTURE(country.code);
      CHECK(shipped().is_continent(country.continent));
      CHECK(shipped().area_contains("001", country.code));
      CHECK(country.at != base::Coordinates{});
    }
    CHECK(shipped().countries_in_area("001").size() == shipped().countries().size());
    CHECK(shipped().is_country("XK"));
    CHECK_FALSE(shipped().is_country("UK"));
    CHECK_FALSE(shipped().is_country(""));
    CHECK_FALSE(shipped().is_country("de"));
  }

  TEST_CASE("areas contain countries through all their levels") {
    struct Row {
      const char* area;
      const char* country;
      bool expected;
    };
    const Row rows[] = {{"155", "DE", true},  {"150", "DE", true},  {"001", "DE", true}, {"151", "DE", false},
                        {"019", "US", true},  {"021", "US", true},  {"003", "US", true}, {"003", "MX", true},
                        {"003", "BR", false}, {"419", "MX", true},  {"202", "KE", true}, {"015", "KE", false},
                        {"999", "DE", false}, {"150", "ZZ", false}, {"009", "AU", true}};
    for (const auto& row : rows) {
      CAPTURE(row.area);
      CAPTURE(row.country);
      CHECK(shipped().area_contains(row.area, row.country) == row.expected);
    }
    CHECK(shipped().countries_in_area("053").size() == 6);
    CHECK(shipped().countries_in_area("999").empty());
    const auto europe = shipped().countries_in_continent("EU");
    CHECK(std::find(europe.begin(), europe.end(), "RU") != europe.end());
    CHECK(std::is_sorted(europe.begin(), europe.end()));
  }

  TEST_CASE("names that databases use lead to ISO 3166-2 codes") {
    struct Row {
      const char* why;
      const char* country;
      const char* name;
      const char* expected;
    };
    const Row rows[] = {
        {"as it is", "US", "California", "US-CA"},
        {"any case", "US", "new YORK", "US-NY"},
        {"English name", "DE", "Bavaria", "DE-BY"},
        {"own name", "DE", "Bayern", "DE-BY"},
        {"without its accents", "DE", "Thuringen", "DE-TH"},
        {"with its accents", "DE", "Thüringen", "DE-TH"},
        {"hyphens or spaces", "FR", "Île de France", "FR-IDF"},
        {"a word for its kind", "RO", "Cluj County", "RO-CJ"},
        {"outer rather than inner", "GB", "England", "GB-ENG"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto* found = shipped().find_subdivision_by_name(row.country, row.name);
      REQUIRE(found != nullptr);
      CHECK(found->code == row.expected);
    }
    CHECK(shipped().find_subdivision_by_name("DE", "California") == nullptr);
    CHECK(shipped().find_subdivision_by_name("DE", "") == nullptr);
    CHECK(shipped().find_subdivision_by_name("ZZ", "Bavaria") == nullptr);
    CHECK(shipped().find_subdivision_by_name("IT", "Milano", "IT-25")->code == "IT-MI");
    CHECK(shipped().find_subdivision_by_name("IT", "Milano", "IT-52") == nullptr);
  }

  TEST_CASE("every listed name of a subdivision leads back to a subdivision of its country") {
    std::size_t same = 0;
    for (const auto& subdivision : shipped().subdivisions()) {
      CAPTURE(subdivision.code);
      const auto* found = shipped().find_subdivision_by_name(subdivision.code.substr(0, 2), subdivision.name);
      REQUIRE(found != nullptr);
      CHECK(found->code.substr(0, 2) == subdivision.code.substr(0, 2));
      if (found->code == subdivision.code) ++same;
    }
    MESSAGE("names that lead to their own subdivision: ", same, " of ", shipped().subdivisions().size());
    CHECK(same * 100 >= shipped().subdivisions().size() * 95);
  }
}

}  // namespace meridian::geo

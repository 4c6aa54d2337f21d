#include "geo/outlines.hpp"

#include "geo/places.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

namespace meridian::geo {
namespace {

constexpr const char* kShippedPath = MERIDIAN_SOURCE_DIR "/geo/data/outlines.txt";

std::string problems_of(const std::string& text) {
  const auto outlines = parse_outlines(text, "outlines.txt");
  return outlines ? std::string{} : outlines.error().to_text();
}

}  // namespace

TEST_SUITE("geo/outlines") {
  TEST_CASE("a line is a ring, and a country's rings need not stand together") {
    const auto outlines = parse_outlines(
        "# a comment\n\nFR 0,0 100,0 100,-50\nDE 1000,5000 1100,5000 1100,5150\nFR 500,0 600,0 600,100",
        "outlines.txt");
    REQUIRE(outlines.has_value());
    REQUIRE(outlines->all().size() == 2);
    CHECK(outlines->all()[0].country == "DE");
    const auto* france = outlines->find("FR");
    REQUIRE(france != nullptr);
    REQUIRE(france->rings.size() == 2);
    CHECK(france->rings[0] == Ring{{0, 0}, {0, 1}, {-0.5, 1}});
    CHECK(outlines->find("DE")->rings[0][2] == base::Coordinates{51.5, 11});
    CHECK(outlines->find("GB") == nullptr);
    CHECK(outlines->find("") == nullptr);
  }

  TEST_CASE("what is wrong is told with its place, all of it at once") {
    struct Row {
      const char* why;
      const char* text;
      const char* expected;
    };
    const Row rows[] = {
        {"nothing in it", "# only a comment\n", "outlines.txt: no country has an outline\n"},
        {"no code", "de 0,0 1,0 1,1\n",
         "outlines.txt:1:1: 'de' is no country code; a line is 'DE longitude,latitude …'\n"},
        {"three letters", "DEU 0,0 1,0 1,1\n",
         "outlines.txt:1:1: 'DEU' is no country code; a line is 'DE longitude,latitude …'\n"},
        {"no number", "DE 0,0 x,0 1,1\n",
         "outlines.txt:1:8: 'x,0' is no point; write longitude,latitude in hundredths of a degree\n"},
        {"more after the number", "DE 0,0 1,0m 1,1\n",
         "outlines.txt:1:8: '1,0m' is no point; write longitude,latitude in hundredths of a degree\n"},
        {"no comma", "DE 0,0 1 1,1\n",
         "outlines.txt:1:8: '1' is no point; write longitude,latitude in hundredths of a degree\n"},
        {"a blank at the end", "DE 0,0 1,0 1,1 \n",
         "outlines.txt:1:16: '' is no point; write longitude,latitude in hundredths of a degree\n"},
        {"past the date line", "DE 18001,0 1,0 1,1\n",
         "outlines.txt:1:4: '18001,0' is no point; write longitude,latitude in hundredths of a degree\n"},
        {"past the pole", "DE 0,9001 1,0 1,1\n",
         "outlines.txt:1:4: '0,9001' is no point; write longitude,latitude in hundredths of a degree\n"},
        {"past any number", "DE 99999999999,0 1,0 1,1\n",
         "outlines.txt:1:4: '99999999999,0' is no point; write longitude,latitude in hundredths of a "
         "degree\n"},
        {"two points", "DE 0,0 1,1\n", "outlines.txt:1:1: an outline has at least three points\n"},
        {"a code alone", "DE\n", "outlines.txt:1:1: an outline has at least three points\n"},
        {"two lines", "DE 0,0\n\nFR 0,0 1,0 1,1\nxx\n",
         "outlines.txt:1:1: an outline has at least three points\n"
         "outlines.txt:4:1: 'xx' is no country code; a line is 'DE longitude,latitude …'\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(problems_of(row.text) == row.expected);
    }
  }

  TEST_CASE("a file that is not there is an error that names it") {
    const auto outlines = load_outlines("/nowhere/outlines.txt");
    REQUIRE_FALSE(outlines.has_value());
    CHECK(outlines.error().to_text() ==
          "/nowhere/outlines.txt: cannot read the outlines of countries: there is no such file\n");
  }

  TEST_CASE("the shipped file has the countries of places.json, and is small") {
    const auto outlines = load_outlines(kShippedPath);
    REQUIRE(outlines.has_value());
    const auto places = load_places(MERIDIAN_SOURCE_DIR "/geo/data/places.json");
    REQUIRE(places.has_value());
    CHECK(outlines->all().size() > 200);
    for (const auto& outline : outlines->all()) {
      CAPTURE(outline.country);
      CHECK(places->is_country(outline.country));
    }
    for (const auto* code : {"US", "RU", "BR", "XK", "TW", "SG", "GF", "SJ", "EH"}) {
      CAPTURE(code);
      CHECK(outlines->find(code) != nullptr);
    }
    CHECK(outlines->find("AQ") == nullptr);
    CHECK(std::filesystem::file_size(kShippedPath) < 300'000);
  }
}

}  // namespace meridian::geo

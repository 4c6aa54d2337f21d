#include "picture/world_picture.hpp"

#include "picture/palette.hpp"
#include "unit/picture/svg_elements.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace meridian::picture {
namespace {

using test::Elements;
using test::elements_of;

const geo::Places& places() {
  static const auto loaded = geo::load_places(MERIDIAN_SOURCE_DIR "/geo/data/places.json");
  REQUIRE(loaded.has_value());
  return *loaded;
}

geo::Outlines outlines(const std::string& text) { return geo::parse_outlines(text, "outlines.txt").value(); }

/// Germany is large enough to be seen, Luxembourg is not.
constexpr const char* kTwo = "DE 600,4800 1400,4800 1400,5400 600,5400\nLU 600,4950 610,4950 610,4960\n";

Elements drawn(const WorldPicture& picture, const std::string& text = kTwo) {
  return elements_of(to_svg(picture, outlines(text), places()));
}

}  // namespace

TEST_SUITE("picture/world_picture") {
  TEST_CASE("a picture stands alone, with a name, a description and a ground of its own") {
    WorldPicture picture;
    picture.title = "Map <web> & \"more\"";
    picture.description = "What & where";
    const auto text = to_svg(picture, outlines(kTwo), places());
    const auto elements = elements_of(text);
    REQUIRE(elements.all.front().name == "svg");
    CHECK(elements.all.front().attributes.at("role") == "img");
    CHECK(elements.all.front().attributes.at("aria-labelledby") == "picture-title picture-description");
    CHECK(elements.by_id("picture-title").text == picture.title);
    CHECK(elements.by_id("picture-description").text == picture.description);
    CHECK(elements.all[3].name == "rect");
    CHECK(elements.all[3].attributes.at("fill") == "#ffffff");
    for (const auto& element : elements.all) {
      CHECK(element.name != "script");
      CHECK(element.name != "image");
      for (const auto& [name, value] : element.attributes) {
        CAPTURE(name);
        CHECK(name.find("href") == std::string::npos);
        CHECK((value.find("url(") == std::string::npos || value.starts_with("url(#")));
      }
    }
    CHECK(text.find("http", text.find("xmlns") + 20) == std::string::npos);
  }

  TEST_CASE("a country is a path or a dot, with its colour and a title") {
    WorldPicture picture;
    picture.areas = {{"LU", "LU Luxembourg\nams", "ams", {{"#112233", 1}}},
                     {"SG", "SG <Singapore>", "sin", {{"#445566", 1}}}};
    const auto elements = drawn(picture);
    const auto& germany = elements.by_id("country-DE");
    CHECK(germany.name == "path");
    CHECK(germany.attributes.at("fill") == kLand);
    CHECK(germany.attributes.at("data-first").empty());
    CHECK(germany.title == "DE Germany");
    const auto& luxembourg = elements.by_id("country-LU");  // its outline is too small
    CHECK(luxembourg.name == "circle");
    CHECK(luxembourg.attributes.at("fill") == "#112233");
    CHECK(luxembourg.attributes.at("data-first") == "ams");
    CHECK(luxembourg.title == "LU Luxembourg\nams");
    const auto& singapore = elements.by_id("country-SG");  // it has none
    CHECK(singapore.name == "circle");
    CHECK(singapore.title == "SG <Singapore>");
    CHECK(elements.count("class", "country") == 3);
  }

  TEST_CASE("stripes are as wide as their parts, and one pattern serves all countries that have it") {
    WorldPicture picture;
    picture.areas = {{"DE", "DE", "ams", {{"#aa0000", 0.75}, {"#00bb00", 0.25}}},
                     {"SG", "SG", "ams", {{"#aa0000", 0.75}, {"#00bb00", 0.25}}},
                     {"LU", "LU", "ams", {{"#aa0000", 0.999}, {"#00bb00", 0.001}}}};
    const auto elements = drawn(picture);
    const auto fill = elements.by_id("country-DE").attributes.at("fill");
    CHECK(fill == "url(#stripes-0)");
    CHECK(elements.by_id("country-SG").attributes.at("fill") == fill);
    CHECK(elements.by_id("country-LU").attributes.at("fill") == "#aa0000");  // nobody could see the rest
    const auto& pattern = elements.by_id("stripes-0");
    REQUIRE(pattern.children == 2);
    const auto& first = elements.all[pattern.index + 1];
    const auto& second = elements.all[pattern.index + 2];
    CHECK(first.attributes.at("fill") == "#aa0000");
    const double period = std::stod(pattern.attributes.at("width"));
    CHECK(std::stod(first.attributes.at("width")) == doctest::Approx(0.75 * period).epsilon(0.02));
    CHECK(std::stod(second.attributes.at("x")) == doctest::Approx(0.75 * period).epsilon(0.02));
    CHECK(std::stod(second.attributes.at("width")) == doctest::Approx(0.25 * period).epsilon(0.03));
  }

  TEST_CASE("holes stay open and steps lead back to the points") {
    WorldPicture picture;
    const auto elements = drawn(
        picture, "ZA 2000,-3000 3000,-3000 3000,-2000 2000,-2000\nZA 2400,-2600 2600,-2600 2600,-2400\n");
    const auto path = elements.by_id("country-ZA").attributes.at("d");
    CHECK(std::count(path.begin(), path.end(), 'M') == 2);
    CHECK(std::count(path.begin(), path.end(), 'z') == 2);
    CHECK(elements.count("fill-rule", "evenodd") == 1);
  }

  TEST_CASE("markers have names that do not lie on each other") {
    WorldPicture picture;
    picture.markers = {
        {"ams", {52.3, 4.8}, "#112233"}, {"fra", {50.1, 8.6}, "#445566"}, {"a<b", {51, 6}, "#778899"}};
    const auto elements = drawn(picture);
    CHECK(elements.count("class", "datacenter") == 3);
    std::vector<std::pair<double, double>> corners;
    for (const auto& element : elements.all) {
      if (element.name == "text" && element.text.size() == 3 && !element.attributes.contains("aria-hidden"))
        corners.emplace_back(std::stod(element.attributes.at("x")), std::stod(element.attributes.at("y")));
    }
    REQUIRE(corners.size() == 3);
    for (std::size_t i = 0; i < corners.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        // Three letters are some 25 wide and 14 high.
        CHECK((std::abs(corners[i].first - corners[j].first) > 25 ||
               std::abs(corners[i].second - corners[j].second) >= 14));
      }
    }
  }

  TEST_CASE("the legend has a line each, and the page grows with it") {
    WorldPicture picture;
    const auto short_page = drawn(picture).all.front().attributes.at("height");
    for (int i = 0; i < 40; ++i) picture.legend.push_back({{"#112233", "#445566"}, "dc" + std::to_string(i)});
    const auto elements = drawn(picture);
    CHECK(std::stod(elements.all.front().attributes.at("height")) > std::stod(short_page) + 13 * 20);
    CHECK(elements.count("fill", "#445566") == 40);
  }
}

}  // namespace meridian::picture

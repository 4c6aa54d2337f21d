#include "picture/survey_picture.hpp"

#include "picture/palette.hpp"

#include <doctest/doctest.h>

namespace meridian::picture {
namespace {

Sites sites() {
  std::vector<config::Datacenter> datacenters(2);
  datacenters[0].name.text = "ams";
  datacenters[0].at = base::Coordinates{52, 5};
  datacenters[1].name.text = "iad";
  return Sites(datacenters);
}

plan::Survey sample() {
  plan::Survey survey;
  survey.map = "web";
  survey.known = {1'000, 100, 0};
  survey.orders = {{{{"ams", 1}}, {"iad"}}, {{{"iad", 0.5}, {"ams", 0.5}}, {}}, {{{"(no address)", 1}}, {}}};
  survey.countries = {{"DE", "Germany", {400, 0, 0}, {{0, {300, 0, 0}}, {1, {100, 0, 0}}}},
                      {"SG", "Singapore", {0, 50, 0}, {{2, {0, 50, 0}}}},
                      {"FR", "France", {200, 50, 0}, {{0, {200, 50, 0}}}},
                      {"continent:EU", "Europe", {100, 0, 0}, {{0, {100, 0, 0}}}},
                      {"", "", {300, 0, 0}, {{0, {300, 0, 0}}}}};
  survey.datacenters = {{"ams", {850, 50, 0}, {}}, {"iad", {150, 0, 0}, {}}};
  return survey;
}

}  // namespace

TEST_SUITE("picture/survey_picture") {
  TEST_CASE("a country has the colours of the datacenters its clients go to first, by their part") {
    const auto picture = picture_of(sample(), sites());
    CHECK(picture.title == "Map web");
    REQUIRE(picture.areas.size() == 3);  // what is no country is not drawn
    const auto& germany = picture.areas[0];
    CHECK(germany.country == "DE");
    CHECK(germany.first == "ams");
    REQUIRE(germany.stripes.size() == 2);
    CHECK(germany.stripes[0].colour == colour_of(0));
    CHECK(germany.stripes[0].part == doctest::Approx(0.875));
    CHECK(germany.stripes[1].colour == colour_of(1));
    CHECK(germany.stripes[1].part == doctest::Approx(0.125));
    CHECK(germany.title ==
          "DE Germany\n75.0 %  ams, then iad\n25.0 %  iad 50.0 %, ams 50.0 %\n40.0 % of IPv4, 0.0 % of IPv6");
    CHECK(picture.areas[1].stripes[0].colour == kNobody);
    CHECK(picture.areas[1].stripes[0].part == 1);  // of its /48s: it has no IPv4
    CHECK(picture.areas[2].title == "FR France\nams, then iad\n20.0 % of IPv4, 50.0 % of IPv6");
  }

  TEST_CASE("the legend has each datacenter with its part, and what is nobody's") {
    auto survey = sample();
    survey.service = "www.example.com";
    survey.has_demand = true;
    survey.known.demand = 10;
    const auto picture = picture_of(survey, sites());
    CHECK(picture.title == "www.example.com (map web)");
    REQUIRE(picture.legend.size() == 3);
    CHECK(picture.legend[0].text == "ams  85.0 % of IPv4, 50.0 % of IPv6, 0.0 % of demand");
    CHECK(picture.legend[0].colours == std::vector<std::string>{colour_of(0)});
    CHECK(picture.legend[2].colours == std::vector<std::string>{std::string{kLand}});
    REQUIRE(picture.markers.size() == 1);
  }
}

}  // namespace meridian::picture

#include "picture/change_picture.hpp"

#include "picture/palette.hpp"

#include <doctest/doctest.h>

namespace meridian::picture {
namespace {

Sites sites() {
  std::vector<config::Datacenter> datacenters(2);
  datacenters[0].name.text = "ams";
  datacenters[1].name.text = "iad";
  return Sites(datacenters);
}

}  // namespace

TEST_SUITE("picture/change_picture") {
  TEST_CASE("what moves has the colour of who gets it, what stays is pale") {
    plan::Comparison comparison;
    comparison.all.total = {1'000, 100, 0};
    comparison.all.moved = {100, 0, 0};
    comparison.all.flows = {{"ams", "iad", {100, 0, 0}}};
    comparison.countries = {
        {"DE", "Germany", {400, 0, 0}, {{"ams", "ams", {300, 0, 0}}, {"ams", "iad", {100, 0, 0}}}},
        {"FR", "France", {200, 0, 0}, {{"ams", "ams", {200, 0, 0}}}},
        {"", "", {400, 100, 0}, {{"ams", "ams", {400, 100, 0}}}}};
    const auto picture = picture_of(comparison, sites());
    CHECK(picture.title == "10.0 % of IPv4, 0.0 % of IPv6 moves");
    REQUIRE(picture.areas.size() == 2);
    const auto& germany = picture.areas[0];
    CHECK(germany.first == "iad");
    REQUIRE(germany.stripes.size() == 2);
    CHECK(germany.stripes[0].colour == colour_of(1));
    CHECK(germany.stripes[0].part == doctest::Approx(0.25));
    CHECK(germany.stripes[1].colour == pale(colour_of(0), 0.22));
    CHECK(germany.title == "DE Germany\nams → iad: 25.0 % of IPv4, 0.0 % of IPv6");
    CHECK(picture.areas[1].stripes[0].colour == pale(colour_of(0), 0.22));
    CHECK(picture.areas[1].title == "FR France\nstays with ams");
    REQUIRE(picture.legend.size() == 1);
    CHECK(picture.legend[0].text == "ams → iad  10.0 % of IPv4, 0.0 % of IPv6");
    CHECK(picture.legend[0].colours == std::vector<std::string>{colour_of(0), colour_of(1)});
  }

  TEST_CASE("nothing that moves is said, and many flows are cut") {
    plan::Comparison comparison;
    CHECK(picture_of(comparison, sites()).title == "Nothing moves");
    for (int i = 0; i < 15; ++i) comparison.all.flows.push_back({"ams", "iad", {1, 0, 0}});
    const auto picture = picture_of(comparison, sites());
    REQUIRE(picture.legend.size() == 13);
    CHECK(picture.legend.back().text == "and 3 more flows");
  }
}

}  // namespace meridian::picture

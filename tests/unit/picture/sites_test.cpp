#include "picture/sites.hpp"

#include "picture/palette.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::picture {
namespace {

config::Datacenter datacenter(const std::string& name, std::optional<base::Coordinates> at) {
  config::Datacenter result;
  result.name.text = name;
  result.at = at;
  return result;
}

}  // namespace

TEST_SUITE("picture/sites") {
  TEST_CASE("colours go by the order of the file, and another map adds only what is new") {
    Sites sites({datacenter("sin", base::Coordinates{1, 104}), datacenter("ams", std::nullopt)});
    sites.add({datacenter("iad", base::Coordinates{39, -77}), datacenter("sin", base::Coordinates{50, 50})});
    CHECK(sites.colour("sin") == colour_of(0));
    CHECK(sites.colour("ams") == colour_of(1));
    CHECK(sites.colour("iad") == colour_of(2));
    CHECK(sites.colour("(servfail)") == kNobody);
    const auto markers = sites.markers();
    REQUIRE(markers.size() == 2);  // ams has no place
    CHECK(markers[0].name == "sin");
    CHECK(markers[0].at == base::Coordinates{1, 104});
    CHECK(markers[1].colour == colour_of(2));
  }
}

}  // namespace meridian::picture

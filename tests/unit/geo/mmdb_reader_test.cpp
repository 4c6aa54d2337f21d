#include "geo/mmdb_reader.hpp"

#include "unit/geo/layouts.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <string>

namespace meridian::geo {
namespace {

using namespace layouts;
using test::MemoryFile;

const Places& places() {
  static const auto loaded = load_places(MERIDIAN_SOURCE_DIR "/geo/data/places.json");
  REQUIRE(loaded.has_value());
  return *loaded;
}

GeoFile load(const MmdbWriter& writer) {
  const MemoryFile file(writer.bytes());
  auto loaded = load_geo_file(file.path(), places());
  if (!loaded) FAIL(loaded.error().to_text());
  return std::move(*loaded);
}

/// The error without the path it begins with.
std::string error_of(std::string_view bytes) {
  const MemoryFile file(bytes);
  const auto loaded = load_geo_file(file.path(), places());
  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().error_count() == 1);
  const std::string text = loaded.error().to_text();
  REQUIRE(text.starts_with(file.path() + ": "));
  return text.substr(file.path().size() + 2);
}

Place at(const GeoFile& file, const char* text) {
  const auto address = base::parse_ip_address(text).value();
  return file.places[file.tree(address.family).lookup(address).value];
}

MmdbWriter one_record(const MmdbValue& record) {
  MmdbWriter writer;
  writer.insert("192.0.2.0/24", record);
  return writer;
}

}  // namespace

TEST_SUITE("geo/mmdb_reader") {
  TEST_CASE("MaxMind City: nested maps, two levels of subdivisions, every record size") {
    for (const auto size : {std::uint16_t{24}, std::uint16_t{28}, std::uint16_t{32}}) {
      CAPTURE(size);
      const auto file = load(maxmind_city(size));
      const Place london{.continent = "EU",
                         .country = "GB",
                         .outer_subdivision = "GB-ENG",
                         .inner_subdivision = "GB-LND",
                         .city = "London",
                         .geoname_id = 2'643'743,
                         .at = base::Coordinates{51.5142, -0.0931},
                         .as_number = 0,
                         .as_name = {}};
      CHECK(at(file, "81.2.69.160") == london);
      CHECK(at(file, "2001:db8::1") == london);
      CHECK(at(file, "203.0.113.7").country == "US");
      CHECK(at(file, "192.0.2.1") == Place{});
      CHECK(file.places.size() == 3);
      CHECK(file.known == KnownFields{.country = true,
                                      .subdivision = true,
                                      .city = true,
                                      .geoname_id = true,
                                      .coordinates = true,
                                      .as_number = false});
      CHECK(file.database_type == "GeoLite2-City");
      CHECK(file.build_epoch == 1'700'000'000);
      CHECK(file.ip_version == 6);
      CHECK(file.has_v4);
      CHECK(file.has_v6);
      CHECK(file.invalid_count == 0);
    }
  }

  TEST_CASE("the scope of a record is its largest block") {
    const auto file = load(maxmind_city());
    CHECK(file.v4.lookup(base::parse_ip_address("81.2.69.160").value()).depth == 24);
    CHECK(file.v6.lookup(base::parse_ip_address("2001:db8::1").value()).depth == 32);
  }

  TEST_CASE("IPv4 in its many IPv6 forms is not in the IPv6 tree") {
    const auto with_aliases = load(maxmind_city());
    auto writer = maxmind_city();
    writer.insert("2002::/16", mmdb_map({{"country_code", "US"}}));
    const auto with_records = load(writer);
    for (const auto* file : {&with_aliases, &with_records}) {
      std::set<std::string> known;
      file->v6.for_each_leaf([&](const base::IpPrefix& block, std::uint32_t value) {
        if (value != 0) known.insert(base::to_string(block));
      });
      CHECK(known == std::set<std::string>{"2001:db8::/32"});
    }
  }

  TEST_CASE("DB-IP City: subdivisions by their names") {
    const auto file = load(db_ip_city());
    const auto place = at(file, "8.8.8.8");
    CHECK(place.outer_subdivision == "US-CA");
    CHECK(place.inner_subdivision.empty());
    CHECK(place.city == "Mountain View");
    CHECK(place.continent == "NA");
    CHECK(place.at == base::Coordinates{37.422, -122.085});
  }

  TEST_CASE("ip-location-db City: flat, floats, IPv4 alone") {
    const auto file = load(ip_location_db_city());
    const auto place = at(file, "8.8.8.8");
    CHECK(place.country == "US");
    CHECK(place.outer_subdivision == "US-CA");
    REQUIRE(place.at.has_value());
    CHECK(place.at->latitude == doctest::Approx(37.422));
    const auto milan = at(file, "151.5.1.1");
    CHECK(milan.outer_subdivision == "IT-25");
    CHECK(milan.inner_subdivision == "IT-MI");
    CHECK(file.has_v4);
    CHECK_FALSE(file.has_v6);
    CHECK(file.ip_version == 4);
    CHECK(at(file, "2001:db8::1") == Place{});
  }

  TEST_CASE("IPinfo: numbers as texts, country as a code or a name, AS beside the place") {
    const auto file = load(ip_info());
    const auto place = at(file, "8.8.8.8");
    CHECK(place.country == "US");
    CHECK(place.continent == "NA");
    CHECK(place.outer_subdivision == "US-CA");
    CHECK(place.geoname_id == 5'375'480);
    CHECK(place.at == base::Coordinates{37.40599, -122.078514});
    CHECK(place.as_number == 15'169);
    CHECK(place.as_name == "Google LLC");
    const auto lite = at(file, "1.1.1.1");
    CHECK(lite.country == "AU");
    CHECK(lite.continent == "OC");
    CHECK(lite.as_name == "cloudflare.com");
    CHECK(file.invalid_count == 0);
  }

  TEST_CASE("ASN files: number and name, and nothing else") {
    const auto file = load(asn());
    CHECK(at(file, "81.2.69.160").as_number == 20'712);
    CHECK(at(file, "81.2.69.160").as_name == "Andrews & Arnold Ltd");
    CHECK(at(file, "8.8.8.8").as_number == 15'169);
    CHECK(
        file.known ==
        KnownFields{
            .country = false, .subdivision = false, .city = false, .coordinates = false, .as_number = true});
  }

  TEST_CASE("the shipped layout: a country code, in any case") {
    const auto file = load(country_code());
    CHECK(at(file, "81.2.69.160").country == "GB");
    CHECK(at(file, "2a00:1450::1").country == "IE");
  }

  TEST_CASE("equal places are kept once, whatever else their records say") {
    MmdbWriter writer;
    for (std::uint32_t i = 0; i < 20; ++i) {
      writer.insert("10.0." + std::to_string(i) + ".0/24",
                    mmdb_map({{"country_code", "DE"}, {"postcode", std::to_string(i)}}));
    }
    const auto file = load(writer);
    CHECK(file.places.size() == 2);
    CHECK(file.v4.lookup(base::parse_ip_address("10.0.3.1").value()).depth == 20);
  }

  TEST_CASE("values that cannot be are unknown, and counted") {
    struct Row {
      const char* why;
      MmdbValue record;
      std::size_t expected_invalid;
    };
    const auto with_asn = [](MmdbValue::Map pairs) {
      pairs.emplace_back("asn", "AS1");  // something to know, so that the file loads
      return mmdb_map(std::move(pairs));
    };
    const Row rows[] = {
        {"latitude past the pole", with_asn({{"latitude", 999.0}, {"longitude", 1.0}}), 1},
        {"longitude past the date line", with_asn({{"latitude", 1.0}, {"longitude", 181.0}}), 1},
        {"not a number", with_asn({{"latitude", std::nan("")}, {"longitude", 1.0}}), 1},
        {"half a point", with_asn({{"latitude", 1.0}}), 1},
        {"text that is no number", with_asn({{"lat", "12north"}, {"lng", "1"}}), 1},
        {"empty texts", with_asn({{"lat", ""}, {"lng", ""}, {"country_code", ""}}), 0},
        {"three letters of a country", with_asn({{"country_code", "xx1"}}), 1},
        {"a country's name alone", with_asn({{"country", "Germany"}}), 1},
        {"ISO's own unknown", with_asn({{"country_code", "ZZ"}}), 0},
        {"unknown continent code", with_asn({{"continent_code", "XQ"}}), 1},
        {"a continent's name alone", with_asn({{"continent", "Europe"}}), 0},
        {"no such GeoNames id", with_asn({{"geoname_id", "abc"}}), 1},
        {"a map where a text should be", with_asn({{"country_code", mmdb_map({{"iso_code", "DE"}})}}), 0},
        {"a text where a map should be", with_asn({{"location", "51,0"}, {"subdivisions", "CA"}}), 0},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto file = load(one_record(row.record));
      const auto place = at(file, "192.0.2.1");
      CHECK(file.invalid_count == row.expected_invalid);
      CHECK(place == Place{.continent = {},
                           .country = {},
                           .outer_subdivision = {},
                           .inner_subdivision = {},
                           .city = {},
                           .geoname_id = 0,
                           .at = {},
                           .as_number = 1,
                           .as_name = {}});
    }
  }

  TEST_CASE("AS numbers are whole numbers of 32 bits, AS 0 says nothing") {
    struct Row {
      MmdbValue value;
      std::uint32_t expected;
      std::size_t expected_invalid;
    };
    const Row rows[] = {{std::uint32_t{4'294'967'295}, 4'294'967'295, 0},
                        {"as64500", 64'500, 0},
                        {"64500", 64'500, 0},
                        {std::uint64_t{4'294'967'296}, 0, 1},
                        {"AS", 0, 1},
                        {"AS1.5", 0, 1},
                        {std::uint32_t{0}, 0, 0},
                        {std::int32_t{-1}, 0, 1}};
    for (const auto& row : rows) {
      const auto file = load(one_record(mmdb_map({{"country_code", "DE"}, {"asn", row.value}})));
      CHECK(at(file, "192.0.2.1").as_number == row.expected);
      CHECK(file.invalid_count == row.expected_invalid);
    }
  }

  TEST_CASE("subdivision codes may be whole, and must be codes") {
    const auto subdivision = [](const char* code) {
      return at(load(one_record(mmdb_map({{"country_code", "US"}, {"region_code", code}}))), "192.0.2.1")
          .outer_subdivision;
    };
    CHECK(subdivision("ca") == "US-CA");
    CHECK(subdivision("US-CA") == "US-CA");
    CHECK(subdivision("California") == "");
    CHECK(subdivision("") == "");
  }

  TEST_CASE("a file that is none is refused with what it is") {
    CHECK(error_of("") == "is empty; fetch the GeoIP database again\n");
    CHECK(error_of("<html>404</html>") ==
          "is no MaxMind DB, or is cut off at its end; unpack it if it is packed, or fetch it again\n");
    const auto folder = std::filesystem::temp_directory_path().string();
    CHECK(load_geo_file(folder, places()).error().to_text() ==
          folder + ": is not a file; a GeoIP database is one file, usually named .mmdb\n");
    CHECK(load_geo_file("/nonexistent.mmdb", places()).error().to_text() ==
          "/nonexistent.mmdb: cannot open the GeoIP database: No such file or directory\n");
    CHECK(error_of("\xab\xcd\xefMaxMind.com").find("damaged metadata") != std::string::npos);
    CHECK(error_of("\xab\xcd\xefMaxMind.com\xe0").find("fetch it again") != std::string::npos);
    MmdbWriter version_five({.ip_version = 5});
    CHECK(error_of(version_five.bytes()).find("fetch it again") != std::string::npos);
  }

  TEST_CASE("a database of something else is refused with its type") {
    const std::string expected =
        "database type 'GeoIP2-Connection-Type' holds no country, coordinates or AS number; Meridian reads "
        "the layouts of "
        "MaxMind, DB-IP, IPinfo and ip-location-db\n";
    MmdbWriter few({.database_type = "GeoIP2-Connection-Type"});
    few.insert("192.0.2.0/24", mmdb_map({{"connection_type", "Cable/DSL"}}));
    CHECK(error_of(few.bytes()) == expected);
    MmdbWriter many({.database_type = "GeoIP2-Connection-Type"});
    for (std::uint32_t i = 0; i < 5'000; ++i) {
      many.insert("10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".0/24",
                  mmdb_map({{"id", i}}));
    }
    CHECK(error_of(many.bytes()) == expected);
    CHECK(error_of(MmdbWriter({.database_type = "GeoIP2-Connection-Type"}).bytes()) == expected);
  }

  TEST_CASE("a damaged search tree is refused with the place of the damage") {
    struct Row {
      const char* why;
      const char* network;
      std::uint64_t link;
      const char* expected;
    };
    auto split = country_code();
    split.set_raw_link("81.2.0.0/16", 0);
    const auto nodes = split.node_count();
    const Row rows[] = {
        {"back to the root", "81.2.0.0/16", 0, "the search tree is damaged at 81.2.0.0/16"},
        {"back to a node above", "81.2.0.0/16", 100, "the search tree comes twice to node 100"},
        {"past the file's end", "81.2.0.0/16", nodes + 100'000, "the search tree is damaged at 81.2.0.0/16"},
        {"into the gap before the data", "81.2.0.0/16", nodes + 3,
         "the search tree is damaged at 81.2.0.0/16"},
        {"into the middle of a record", "81.2.0.0/16", nodes + 16 + 1,
         "the record of 81.2.0.0/16 is damaged"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      auto writer = country_code();
      writer.set_raw_link(row.network, row.link);
      const auto error = error_of(writer.bytes());
      CAPTURE(error);
      CHECK(error.find(row.expected) != std::string::npos);
    }
  }

  TEST_CASE("a tree that goes on past the last bit of an address is refused") {
    MmdbWriter writer({.ip_version = 4});
    writer.insert("10.0.0.0/32", mmdb_map({{"country_code", "DE"}}));
    // The node of 11.0.0.0/8 hangs below 10.0.0.1/32.
    writer.insert("11.0.0.0/9", mmdb_map({{"country_code", "AT"}}));
    writer.set_raw_link("10.0.0.1/32", writer.node_count() - 1);
    CHECK(error_of(writer.bytes()).find("deeper than an address, below 10.0.0.1/32") != std::string::npos);
  }

  TEST_CASE("cut off anywhere, a file is refused, never crashed over") {
    for (const auto& whole : {maxmind_city(24).bytes(), maxmind_city(28).bytes(), ip_info().bytes()}) {
      for (std::size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        const MemoryFile file(std::string_view(whole).substr(0, length));
        const auto loaded = load_geo_file(file.path(), places());
        REQUIRE_FALSE(loaded.has_value());
        REQUIRE(loaded.error().error_count() == 1);
      }
    }
  }

  TEST_CASE("any one byte changed, a file loads or is refused, never crashed over") {
    const auto whole = maxmind_city(28).bytes();
    std::size_t refused = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      for (const int change : {0x01, 0x80, 0xff}) {
        auto changed = whole;
        changed[i] = static_cast<char>(changed[i] ^ change);
        const MemoryFile file(changed);
        if (!load_geo_file(file.path(), places())) ++refused;
      }
    }
    MESSAGE(refused, " of ", whole.size() * 3, " changed files refused");
    CHECK(refused > whole.size() / 10);
  }
}

}  // namespace meridian::geo

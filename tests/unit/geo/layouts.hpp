// One small database for each layout of geo/README.md, as its makers write them.
#pragma once

#include "support/mmdb_writer.hpp"

#include <cstdint>
#include <string>

namespace meridian::geo::layouts {

using test::mmdb_list;
using test::mmdb_map;
using test::MmdbFloat;
using test::MmdbValue;
using test::MmdbWriter;

inline MmdbValue names(const char* en) { return mmdb_map({{"de", "anders"}, {"en", en}}); }

inline MmdbValue maxmind_london() {
  return mmdb_map({
      {"city", mmdb_map({{"geoname_id", std::uint32_t{2'643'743}}, {"names", names("London")}})},
      {"continent",
       mmdb_map({{"code", "EU"}, {"geoname_id", std::uint32_t{6'255'148}}, {"names", names("Europe")}})},
      {"country", mmdb_map({{"geoname_id", std::uint32_t{2'635'167}},
                            {"iso_code", "GB"},
                            {"names", names("United Kingdom")}})},
      {"location", mmdb_map({{"accuracy_radius", std::uint16_t{10}},
                             {"latitude", 51.5142},
                             {"longitude", -0.0931},
                             {"time_zone", "Europe/London"}})},
      {"registered_country", mmdb_map({{"iso_code", "US"}, {"names", names("United States")}})},
      {"subdivisions", mmdb_list({mmdb_map({{"iso_code", "ENG"}, {"names", names("England")}}),
                                  mmdb_map({{"iso_code", "LND"}, {"names", names("City of London")}})})},
  });
}

inline MmdbWriter maxmind_city(std::uint16_t record_size = 28) {
  MmdbWriter writer({.record_size = record_size, .database_type = "GeoLite2-City", .alias_v4 = true});
  writer.insert("81.2.69.0/24", maxmind_london());
  writer.insert("2001:db8::/32", maxmind_london());
  writer.insert("203.0.113.0/24", mmdb_map({{"registered_country", mmdb_map({{"iso_code", "US"}})}}));
  return writer;
}

inline MmdbWriter db_ip_city() {
  MmdbWriter writer({.database_type = "DBIP-City-Lite"});
  writer.insert(
      "8.8.8.0/24",
      mmdb_map({{"city", mmdb_map({{"names", mmdb_map({{"en", "Mountain View"}})}})},
                {"continent", mmdb_map({{"code", "NA"}})},
                {"country", mmdb_map({{"iso_code", "US"}})},
                {"location", mmdb_map({{"latitude", 37.422}, {"longitude", -122.085}})},
                {"subdivisions", mmdb_list({mmdb_map({{"names", mmdb_map({{"en", "California"}})}})})}}));
  return writer;
}

inline MmdbWriter ip_location_db_city() {
  MmdbWriter writer({.ip_version = 4, .record_size = 24, .database_type = "city ipv4"});
  writer.insert("8.8.8.0/24", mmdb_map({{"city", "Mountain View"},
                                        {"country_code", "US"},
                                        {"latitude", MmdbFloat{37.422F}},
                                        {"longitude", MmdbFloat{-122.085F}},
                                        {"postcode", ""},
                                        {"state1", "California"},
                                        {"state2", ""},
                                        {"timezone", ""}}));
  writer.insert("151.5.0.0/16", mmdb_map({{"city", "Milan"},
                                          {"country_code", "IT"},
                                          {"latitude", 45.46},
                                          {"longitude", 9.19},
                                          {"state1", "Lombardy"},
                                          {"state2", "Milano"}}));
  return writer;
}

inline MmdbWriter ip_info() {
  MmdbWriter writer({.record_size = 32, .database_type = "ipinfo standard_location.mmdb"});
  writer.insert("8.8.8.0/24", mmdb_map({{"as_domain", "google.com"},
                                        {"as_name", "Google LLC"},
                                        {"asn", "AS15169"},
                                        {"city", "Mountain View"},
                                        {"continent", "North America"},
                                        {"continent_code", "NA"},
                                        {"country", "United States"},
                                        {"country_code", "US"},
                                        {"geoname_id", "5375480"},
                                        {"lat", "37.40599"},
                                        {"lng", "-122.078514"},
                                        {"region", "California"}}));
  writer.insert(
      "1.1.1.0/24",
      mmdb_map(
          {{"country", "AU"}, {"continent", "OC"}, {"asn", "AS13335"}, {"as_domain", "cloudflare.com"}}));
  return writer;
}

inline MmdbWriter asn() {
  MmdbWriter writer({.database_type = "GeoLite2-ASN"});
  writer.insert("81.2.64.0/18", mmdb_map({{"autonomous_system_number", std::uint32_t{20'712}},
                                          {"autonomous_system_organization", "Andrews & Arnold Ltd"}}));
  writer.insert("8.8.8.0/24", mmdb_map({{"autonomous_system_number", "15169"},
                                        {"autonomous_system_organization", "Google LLC"}}));
  return writer;
}

inline MmdbWriter country_code() {
  MmdbWriter writer({.database_type = "country ipvAll"});
  writer.insert("81.2.64.0/18", mmdb_map({{"country_code", "GB"}}));
  writer.insert("2a00:1450::/29", mmdb_map({{"country_code", "ie"}}));
  return writer;
}

}  // namespace meridian::geo::layouts

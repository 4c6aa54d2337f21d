// Any bytes as a GeoIP database: an error, or a database that can be asked.
#include "geo/geo_database.hpp"
#include "support/mmdb_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

using namespace meridian;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const geo::Places places({{{"EU", "Europe"}},
                                   {{"001", "World", {}, {}}},
                                   {{"DE", "Germany", "DEU", "276", "EU", "001", {51, 10}}},
                                   {{"DE-BY", "Bayern", {}}},
                                   {{"DE-BY", "Bavaria"}}});
  const test::MemoryFile file(std::string_view(reinterpret_cast<const char*>(data), size));
  auto loaded = geo::load_geo_file(file.path(), places);
  if (!loaded) return 0;
  geo::GeoDatabase::Files files;
  files.push_back(std::make_shared<const geo::GeoFile>(std::move(*loaded)));
  const geo::GeoDatabase database(std::move(files), places);
  for (const auto* text :
       {"0.0.0.0", "81.2.69.160", "255.255.255.255", "::", "2001:db8::1", "2002:5102:45a0::1"}) {
    static_cast<void>(database.locate(*base::parse_ip_address(text)));
  }
  return 0;
}

#include "config/load.hpp"

#include "base/limits.hpp"
#include "unit/config/map_folder.hpp"
#include "unit/config/messages.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

namespace meridian::config {
namespace {

using test::MapFolder;

void write_minimal(const MapFolder& folder) {
  folder.write("datacenters.yaml", "datacenters: {ams: {}}\n");
  folder.write("maps.yaml", "maps: {web: {}}\n");
  folder.write("services.yaml", "services: {}\n");
  folder.write("zones/example.com.zone", "");
}

std::string problems(const MapFolder& folder) {
  return folder.without_path(load_map_directory(folder.path()).diagnostics.to_text());
}

TEST_SUITE_BEGIN("config/load");

TEST_CASE("a map directory needs datacenters, maps, services and a zone") {
  const MapFolder folder;
  CHECK(problems(folder) ==
        "map: holds no datacenters.yaml and no datacenters.d\n"
        "map: holds no maps.yaml and no maps.d\n"
        "map: holds no services.yaml and no services.d\n"
        "map/zones: can't be read: No such file or directory\n");
  write_minimal(folder);
  const auto loaded = load_map_directory(folder.path());
  CHECK(loaded.diagnostics.empty());
  CHECK(loaded.model.path == folder.path());
  CHECK(loaded.model.datacenters.size() == 1);
  CHECK(loaded.model.maps.size() == 1);
  REQUIRE(loaded.model.zones.size() == 1);
  CHECK(dns::to_string(loaded.model.zones[0].apex) == "example.com");
  CHECK(loaded.model.zones[0].path == folder.path() + "/zones/example.com.zone");
  CHECK((loaded.datacenters_complete && loaded.regions_complete && loaded.maps_complete &&
         loaded.services_complete && loaded.zones_complete));
}

TEST_CASE("a directory that can't be read is one message") {
  const auto loaded = load_map_directory("/nonexistent/map");
  CHECK(loaded.diagnostics.to_text() ==
        "/nonexistent/map: the map directory can't be read: No such file or directory\n");
  CHECK_FALSE((loaded.datacenters_complete || loaded.regions_complete || loaded.maps_complete ||
               loaded.services_complete || loaded.zones_complete));
}

TEST_CASE("a file may be split, the parts are read in the order of their names, after the whole") {
  const MapFolder folder;
  write_minimal(folder);
  folder.write("datacenters.d/20-us.yaml", "datacenters: {iad: {}}\n");
  folder.write("datacenters.d/10-eu.yaml", "datacenters: {fra: {}}\n");
  folder.write("datacenters.d/.hidden.yaml", "nonsense");
  folder.write("datacenters.d/30-off.yaml.disabled", "nonsense");
  folder.write("regions.d/README.md", "nonsense");
  const auto loaded = load_map_directory(folder.path() + "/");
  CHECK(loaded.diagnostics.empty());
  REQUIRE(loaded.model.datacenters.size() == 3);
  CHECK(loaded.model.datacenters[0].name.text == "ams");
  CHECK(loaded.model.datacenters[1].name.text == "fra");
  CHECK(loaded.model.datacenters[1].name.where.file == folder.path() + "/datacenters.d/10-eu.yaml");
  CHECK(loaded.model.datacenters[2].name.text == "iad");
}

TEST_CASE("the same name in two files is an error that names both places") {
  const MapFolder folder;
  write_minimal(folder);
  folder.write("datacenters.d/a.yaml", "datacenters:\n  ams: {}\n");
  folder.write("maps.d/a.yaml", "maps: {web: {}}");
  folder.write("regions.d/a.yaml", "regions: {dach: [DE]}");
  folder.write("regions.d/b.yaml", "regions: {dach: [AT]}");
  folder.write("services.d/a.yaml", "services: {a.example: {datacenter: ams, of: b.example}}");
  folder.write("services.d/b.yaml", "services: {A.example: {datacenter: ams, of: b.example}}");
  folder.write("zones/Example.COM.zone", "");
  CHECK(
      problems(folder) ==
      "map/datacenters.d/a.yaml:2:3: datacenter 'ams' is defined twice; the first is at "
      "map/datacenters.yaml:1:15\n"
      "map/maps.d/a.yaml:1:8: map 'web' is defined twice; the first is at map/maps.yaml:1:8\n"
      "map/regions.d/b.yaml:1:11: region 'dach' is defined twice; the first is at map/regions.d/a.yaml:1:11\n"
      "map/services.d/b.yaml:1:12: service 'A.example' is defined twice; the first is at "
      "map/services.d/a.yaml:1:12\n"
      "map/zones/example.com.zone: zone 'example.com' is defined twice; the first is at "
      "map/zones/Example.COM.zone\n");
}

TEST_CASE("files that would silently not be read are errors") {
  const MapFolder folder;
  write_minimal(folder);
  folder.write("region.yaml", "");
  folder.write("regions.yml", "");
  folder.write("expectations.yaml", "");
  folder.write("services.d/x.yml", "");
  folder.write("README.md", "");
  folder.write("feeds/partner.nets", "");
  CHECK(problems(folder) ==
        "map/expectations.yaml: is no file of a map\n"
        "map/region.yaml: is no file of a map; did you mean 'regions.yaml'?\n"
        "map/regions.yml: is no file of a map; did you mean 'regions.yaml'?\n"
        "map/services.d/x.yml: is not read; rename it to end in .yaml\n");
}

TEST_CASE("a folder of parts without any is as good as none") {
  const MapFolder folder;
  write_minimal(folder);
  std::filesystem::remove(folder.path() + "/maps.yaml");
  folder.write("maps.d/README.md", "");
  std::filesystem::remove(folder.path() + "/zones/example.com.zone");
  CHECK(problems(folder) ==
        "map/maps.d: holds no *.yaml\n"
        "map/zones: holds no *.zone; a server needs at least one zone\n");
}

TEST_CASE("what can't be read is said with its path") {
  const MapFolder folder;
  write_minimal(folder);
  std::filesystem::create_directory(folder.path() + "/regions.yaml");
  folder.write("services.d", "a file, not a folder");
  const auto loaded = load_map_directory(folder.path());
  CHECK(folder.without_path(loaded.diagnostics.to_text()) ==
        "map/regions.yaml: can't be read: it is no regular file\n"
        "map/services.d: can't be read: Not a directory\n");
  CHECK_FALSE(loaded.regions_complete);
  CHECK_FALSE(loaded.services_complete);
  CHECK(loaded.maps_complete);
}

TEST_CASE("a file past the limit is not read") {
  const MapFolder folder;
  write_minimal(folder);
  folder.write("regions.yaml", "");
  std::filesystem::resize_file(folder.path() + "/regions.yaml", base::limits::kYamlFileBytesMax + 1);
  CHECK(problems(folder) ==
        "map/regions.yaml: can't be read: it has 67108865 bytes; at most 67108864 are read, split it\n");
}

TEST_CASE("a zone's name is its file's name") {
  const MapFolder folder;
  write_minimal(folder);
  folder.write("zones/@.zone", "");
  folder.write("zones/a..b.zone", "");
  folder.write("zones/common.inc", "");
  const auto loaded = load_map_directory(folder.path());
  CHECK(folder.without_path(loaded.diagnostics.to_text()) ==
        "map/zones/a..b.zone: the file's name must be a zone's name and .zone: 'a..b' has an empty label\n");
  CHECK_FALSE(loaded.zones_complete);
  REQUIRE(loaded.model.zones.size() == 2);
  CHECK(loaded.model.zones[0].apex.view().is_root());
}

TEST_CASE("all problems of a map show at once") {
  const MapFolder folder;
  folder.write("datacenters.yaml", "datacenters:\n  ams: {at: [52.31, 4.76], capcity: 1}\n  ams: {}\n");
  folder.write("regions.yaml", "regions:\n\teurope: [DE]\n");
  folder.write("maps.yaml",
               "maps:\n  web:\n    rules:\n      - {for: 10.1.2.3/8, prefer: [ams]}\n      - {for: europe, "
               "prefer: ams}\n");
  folder.write("services.yaml",
               "services:\n  www.example.com: {map: web, pools: {ams: []}}\n  api.example.com: {map: web}\n");
  const auto loaded = load_map_directory(folder.path());
  CHECK(folder.without_path(loaded.diagnostics.to_text()) ==
        "map/datacenters.yaml:2:28: unknown key 'capcity'; did you mean 'capacity'?\n"
        "map/datacenters.yaml:3:3: 'ams' stands twice in this mapping; the first is in line 2\n"
        "map/maps.yaml:4:15: '10.1.2.3/8' has host bits set; the network is 10.0.0.0/8\n"
        "map/maps.yaml:5:31: 'prefer': expected a list ([ams]) or nearest, found 'ams'\n"
        "map/regions.yaml:2:1: a tab indents this line; YAML allows spaces only\n"
        "map/services.yaml:2:44: 'ams' lists no address\n"
        "map/services.yaml:3:20: 'api.example.com': the key 'pools' is missing\n"
        "map/zones: can't be read: No such file or directory\n");
  CHECK(loaded.datacenters_complete);
  CHECK_FALSE(loaded.regions_complete);
  CHECK(loaded.maps_complete);
  CHECK(loaded.services_complete);
  CHECK_FALSE(loaded.zones_complete);
  CHECK(loaded.model.services.size() == 2);
}

TEST_CASE("more datacenters or maps than ids can count are an error") {
  std::string datacenters = "datacenters:\n";
  for (std::size_t i = 0; i <= base::limits::kDatacentersMax; ++i)
    datacenters += "  d" + std::to_string(i) + ": {}\n";
  std::string maps = "maps:\n";
  for (std::size_t i = 0; i <= base::limits::kMapsMax; ++i) maps += "  m" + std::to_string(i) + ": {}\n";
  MapBuilder builder("map");
  builder.add_text(FileKind::Datacenters, datacenters, "datacenters.yaml");
  builder.add_text(FileKind::Maps, maps, "maps.yaml");
  CHECK(builder.take().diagnostics.to_text() ==
        "datacenters.yaml:1026:3: 1025 datacenters; at most 1024 are supported\n"
        "maps.yaml:4098:3: 4097 maps; at most 4096 are supported\n");
}

TEST_CASE("a site file is read from the disk") {
  const MapFolder folder;
  folder.write("meridian.yaml", "map: map\nsite: ams1\n");
  const auto loaded = load_site_file(folder.path() + "/meridian.yaml");
  CHECK(loaded.diagnostics.empty());
  CHECK(loaded.site.map == folder.path() + "/map");
  CHECK(loaded.site.site == "ams1");
  const auto missing = load_site_file(folder.path() + "/x.yaml");
  CHECK(folder.without_path(missing.diagnostics.to_text()) ==
        "map/x.yaml: can't be read: there is no such file\n");
  folder.write("broken.yaml", "map: [");
  CHECK(load_site_file(folder.path() + "/broken.yaml").diagnostics.error_count() == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config

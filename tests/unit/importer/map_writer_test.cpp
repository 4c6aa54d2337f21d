#include "importer/map_writer.hpp"

#include "config/load.hpp"
#include "config/place_ref.hpp"
#include "unit/config/map_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace meridian::importer {
namespace {

using config::test::MapFolder;

ImportedMap example() {
  ImportedMap imported;
  auto& model = imported.model;
  model.datacenters = {{{"ams", {"config", 3, 1}}, base::Coordinates{52.31, 4.76}, {}, {}, false},
                       {{"any", {}}, {}, {}, {}, false}};
  config::Map map;
  map.name = {"web", {"config", 5, 1}};
  for (const auto* place : {"NO", "2001:db8::/32", "everyone"}) {
    config::Rule rule;
    rule.place = *config::parse_place(place);
    rule.order = config::Rule::Order::Only;
    rule.tiers = {{{{"ams", {}}, 1}}};
    rule.where = {"config", 6, 1};
    map.rules.push_back(rule);
  }
  map.rules[1].tiers = {{{{"ams", {}}, 70}, {{"any", {}}, 30}}};
  map.rules[2].order = config::Rule::Order::Nearest;
  model.maps.push_back(map);
  config::Service service;
  service.name = {"*.example.com", {"zone", 9, 1}};
  service.map = {"web", {}};
  service.ttl_s = 30;
  service.answer = 1;
  service.sticky = false;
  service.use_client_subnet = false;
  service.overprovision = 10;
  config::Pool pool;
  pool.datacenter = {"ams", {}};
  pool.endpoints = {{*base::parse_ip_address("192.0.2.1"), 3, {}},
                    {*base::parse_ip_address("2001:db8::1"), 1, {}}};
  pool.at_least = 0.5;
  pool.force_down = true;
  service.pools.push_back(pool);
  model.services.push_back(service);
  imported.zone_files.push_back({"zones/example.com.zone", "$TTL 60\n"});
  return imported;
}

TEST_SUITE_BEGIN("importer/map_writer");

TEST_CASE("what is written is read back as the same map") {
  const MapFolder folder;
  REQUIRE(write_map(render_map(example(), "config"), folder.path() + "/new", false).has_value());
  const auto loaded = config::load_map_directory(folder.path() + "/new");
  CHECK(loaded.diagnostics.to_text() == "");
  REQUIRE(loaded.model.datacenters.size() == 2);
  CHECK(loaded.model.datacenters[0].at == base::Coordinates{52.31, 4.76});
  REQUIRE(loaded.model.maps.size() == 1);
  const auto& rules = loaded.model.maps[0].rules;
  REQUIRE(rules.size() == 3);
  CHECK(rules[0].place.code == "NO");
  CHECK(rules[1].tiers[0][0].weight == 70);
  CHECK(rules[2].nearest_count == 3);
  REQUIRE(loaded.model.services.size() == 1);
  const auto& service = loaded.model.services[0];
  CHECK(service.name.text == "*.example.com");
  CHECK(service.ttl_s == 30);
  CHECK(service.answer == 1);
  CHECK_FALSE(service.sticky);
  CHECK_FALSE(service.use_client_subnet);
  CHECK(service.overprovision == 10);
  CHECK(service.pools[0].endpoints[0].weight == 3);
  CHECK(service.pools[0].at_least == 0.5);
  CHECK(service.pools[0].force_down);
}

TEST_CASE("a comment tells the line that a thing comes from") {
  const auto files = render_map(example(), "config");
  CHECK(files[0].text.find("  ams: {at: [52.31, 4.76]}  # config:3\n  any: {}\n") != std::string::npos);
  CHECK(files[1].text.find("- {for: NO, only: [ams]}  # config:6\n") != std::string::npos);
}

TEST_CASE("a directory with something in it is left alone unless it may be overwritten") {
  const MapFolder folder;
  folder.write("mine", "keep");
  const auto files = render_map(example(), "config");
  const auto refused = write_map(files, folder.path(), false);
  REQUIRE_FALSE(refused.has_value());
  CHECK(folder.without_path(refused.error()) ==
        "map is not empty; name a new directory, or overwrite with --force");
  CHECK_FALSE(std::filesystem::exists(folder.path() + "/maps.yaml"));
  CHECK(write_map(files, folder.path(), true).has_value());
  CHECK(std::filesystem::exists(folder.path() + "/maps.yaml"));
  CHECK_FALSE(write_map(files, folder.path() + "/mine", true).has_value());
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::importer

#include "importer/gdnsd.hpp"

#include "unit/importer/import_result.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

namespace meridian::importer {
namespace {

using config::test::MapFolder;
using test::places;
using test::Result;

constexpr std::string_view kZoneHead = "$TTL 60\n@ SOA ns1 admin 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.53\n";

Result import_folder(const MapFolder& folder) {
  return test::result_of(
      folder, [&](Report& report) { return import_gdnsd(folder.path() + "/config", places(), report); });
}

/// A configuration with these plugins, and a zone with these lines behind its head (line 5 is the first).
Result import_text(std::string_view plugins, std::string_view zone = {}) {
  const MapFolder folder;
  folder.write("config", fmt::format("plugins => {{\n{}\n}}\n", plugins));
  folder.write("zones/example.com", fmt::format("{}{}", kZoneHead, zone));
  return import_folder(folder);
}

/// A map `m` of plugin geoip with datacenters a, b and c.
Result import_map(std::string_view keys) {
  return import_text(
      fmt::format("geoip => {{ maps => {{ m => {{ datacenters => [a, b, c]\n{}\n}} }} }}", keys));
}

/// The addresses of a service's pool.
std::string pool_text(const config::Pool& pool) {
  std::string text = pool.datacenter.text + ":";
  for (const auto& endpoint : pool.endpoints) {
    text += " " + base::to_string(endpoint.address);
    if (endpoint.weight != 1) text += fmt::format("*{}", endpoint.weight);
  }
  return text;
}

TEST_SUITE_BEGIN("importer/gdnsd");

TEST_CASE("a tree of places becomes rules, its defaults become those of the places around") {
  const auto result = import_map(
      "map => { default => [c], EU => { default => [a, b], DE => [b], GB => { default => [], ENG => { LND => "
      "[a] } } }\n"
      "NA => { US => { ca => [c, a] } }, AS => { CN => {} } }");
  CHECK(result.errors == "");
  CHECK(result.report == "");
  CHECK(result.rules("m") == "everyone: c\ncontinent:EU: a b\nDE: b\nGB:\nGB-LND: a\nUS-CA: c a\n");
}

TEST_CASE("without lists everyone gets the datacenters in their order, or the nearest ones") {
  CHECK(import_map("").rules("m") == "everyone: a b c\n");
  const auto near =
      import_map("auto_dc_coords => { a => [1, 2], b => [3, 4], c => [5, 6] }, auto_dc_limit => 2");
  CHECK(near.rules("m") == "everyone: nearest 2\n");
  CHECK(near.report.find("gives up after the 2 nearest") != std::string::npos);
  CHECK(import_map("auto_dc_coords => { a => [1, 2], b => [3, 4] }").rules("m") == "everyone: nearest 2\n");
  CHECK(import_map("auto_dc_coords => { a => [1, 2], b => [3, 4] }, auto_dc_limit => 0").rules("m") ==
        "everyone: nearest 2\n");
}

TEST_CASE("automatic lists and lists of one's own may be mixed") {
  CHECK(import_map(
            "auto_dc_coords => { a => [1, 2] }, map => { default => [b], EU => auto, AS => { CN => [c] } }")
            .rules("m") == "everyone: b\ncontinent:EU: nearest 1\nCN: c\n");
}

TEST_CASE("places where gdnsd never comes are told and get no rule") {
  struct Row {
    const char* map;
    const char* told;
  };
  const Row rows[] = {
      {"map => { NA => { DE => [a] } }",
       "map/config:3:18: not imported: DE under NA: databases put it in EU, so gdnsd never comes here; a "
       "rule for DE would\n"},
      {"map => { EU => { XX => [a] } }",
       "map/config:3:18: not imported: 'XX' is no country that is known here\n"},
      {"map => { EU => { FR => { Paris => [a] } } }",
       "map/config:3:26: not imported: 'Paris' in FR is no subdivision, so it is a city: places in a map go "
       "down to "
       "subdivisions in this version\n"},
      {"map => { EU => { GB => { ENG => [a], LND => [b] } } }",
       "map/config:3:38: note: GB-LND lies in GB-ENG, which stands beside it and which gdnsd tries first: "
       "this list is "
       "never used\n"},
      {"map => { EU => { GB => { SCT => { LND => [a] } } } }",
       "map/config:3:35: not imported: GB-LND under GB-SCT: it does not lie there, so gdnsd never comes "
       "here\n"},
      {"geoip_db => x.dat",
       "map/config:3:1: not imported: 'geoip_db' of map 'm': gdnsd 3.8 has no such key\n"},
      {"geoip2_db => /x.mmdb",
       "map/config:3:14: not imported: the database of map 'm' belongs into the site file: geoip: "
       "[/x.mmdb]\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.map);
    const auto result = import_map(row.map);
    CHECK(result.errors == "");
    CHECK(result.report == row.told);
  }
}

TEST_CASE("networks are rules, in IPv4 also those that gdnsd writes in IPv6") {
  const auto result =
      import_map("nets => { 10.0.0.0/8 => a, ::192.0.2.0/120 => [b, c], 2001:db8::1/32 => [], ::/0 => c }");
  CHECK(result.rules("m") ==
        "10.0.0.0/8: a\n192.0.2.0/24: b c\n2001:db8::/32:\n0.0.0.0/0: c\n::/0: c\neveryone: a b c\n");
  CHECK(result.report ==
        "map/config:3:55: note: '2001:db8::1/32' has bits past its length; gdnsd clears them too\n");
  CHECK(import_map("nets => { 10.0.0.0/8 => a, 10.1.1.1/8 => b }")
            .report.find("a second list for 10.0.0.0/8") != std::string::npos);
  CHECK(import_map("nets => { 10.0.0.0 => a }").errors ==
        "map/config:3:11: '10.0.0.0' is no network; write address/bits\n");
}

TEST_CASE("what gdnsd refuses is an error with its place") {
  CHECK(import_map("map => { XX => [a] }").errors ==
        "map/config:3:10: 'XX' is no continent; there are AF, AN, AS, EU, NA, OC, SA\n");
  CHECK(import_map("map => { EU => [d] }").errors ==
        "map/config:3:17: 'd' is not among the datacenters of map 'm'; did you mean 'a'?\n");
  CHECK(import_map("auto_dc_coords => { a => [91, 0] }").errors.find("write [ latitude, longitude ]") !=
        std::string::npos);
  CHECK(import_text("", "www DYNA multifo!none\n").errors ==
        "map/zones/example.com:5:10: there is no resource 'multifo!none'\n");
  CHECK(import_text("multifo => { m => [ 192.0.2.1 ] }", "www DYNA multifo!m\nwww DYNA multifo!m\n").errors ==
        "map/zones/example.com:6:1: www.example.com has a second DYNA or DYNC\n");
}

TEST_CASE("a DYNA becomes a service, with the pools of its datacenters in all forms they have") {
  const auto result = import_text(
      "geoip => { maps => { m => { datacenters => [a, b, c], ignore_ecs => true } }, resources => { r => {\n"
      "map => m, up_thresh => 0.6, dcmap => { a => 192.0.2.1, b => [192.0.2.2, 192.0.2.3],\n"
      "c => { plugin => weighted, x => [192.0.2.4, 2] } } } } }",
      "www 300/300 DYNA geoip!r\n  TXT x\nonly 60/60 DYNA geoip!r/b\n");
  CHECK(result.errors == "");
  const auto& service = result.service("www.example.com");
  CHECK(service.map.text == "m");
  CHECK(service.ttl_s == 300);
  CHECK_FALSE(service.use_client_subnet);
  CHECK(service.overprovision == 10);
  REQUIRE(service.pools.size() == 3);
  CHECK(pool_text(service.pools[0]) == "a: 192.0.2.1");
  CHECK(service.pools[0].at_least == 0);
  CHECK(pool_text(service.pools[1]) == "b: 192.0.2.2 192.0.2.3");
  CHECK(service.pools[1].at_least == 0.6);
  CHECK(pool_text(service.pools[2]) == "c: 192.0.2.4*2");
  CHECK(result.rules("only-b") == "everyone: b\n");
  CHECK(result.service("only.example.com").pools.size() == 1);
  CHECK(
      result.file("zones/example.com.zone")
          .ends_with(
              "; steered by services.yaml:\n;www 300/300 DYNA geoip!r\nwww.example.com.  TXT x\n; steered by "
              "services.yaml:\n;only 60/60 DYNA geoip!r/b\n"));
}

TEST_CASE("plugins without a map get one") {
  const auto result = import_text(
      "multifo => { many => { a => 192.0.2.1, b => 192.0.2.2, c => 192.0.2.3 } }\n"
      "simplefo => { pair => { primary => 192.0.2.4, secondary => 192.0.2.5 } }\n"
      "weighted => { draw => { a => [192.0.2.6, 3], b => [192.0.2.7, 1] } }\n"
      "metafo => { resources => { order => { datacenters => [x, y], dcmap => { y => 192.0.2.8, x => "
      "192.0.2.9 } } } }",
      "a 1/1 DYNA multifo!many\nb 1/1 DYNA simplefo!pair\nc 1/1 DYNA weighted!draw\nd 1/1 DYNA "
      "metafo!order\n");
  CHECK(result.errors == "");
  CHECK(result.report == "");
  CHECK(result.rules("any") == "everyone: any\n");
  CHECK(result.rules("primary-secondary") == "everyone: primary secondary\n");
  CHECK(result.rules("order") == "everyone: x y\n");
  CHECK(result.service("a.example.com").pools[0].at_least == 0.5);
  CHECK(result.service("b.example.com").map.text == "primary-secondary");
  CHECK(pool_text(result.service("b.example.com").pools[1]) == "secondary: 192.0.2.5");
  CHECK(result.service("c.example.com").answer == 1);
  CHECK(pool_text(result.service("c.example.com").pools[0]) == "any: 192.0.2.6*3 192.0.2.7");
}

TEST_CASE("skip_first and datacenters that a resource lacks make a map of its own") {
  const auto result = import_text(
      "geoip => { undefined_datacenters_ok => true, maps => { m => { datacenters => [a, b], map => { EU => "
      "[b] } } }\n"
      "resources => { s => { map => m, skip_first => true, dcmap => { a => 192.0.2.1, b => 192.0.2.2 } }\n"
      "l => { map => m, dcmap => { a => 192.0.2.3 } } } }",
      "s 1/1 DYNA geoip!s\nl 1/1 DYNA geoip!l\n");
  CHECK(result.errors == "");
  CHECK(result.service("s.example.com").map.text == "m-s");
  CHECK(result.rules("m-s") == "continent:EU: b\neveryone: b\n");
  CHECK(result.rules("m-l") == "continent:EU:\neveryone: a b\n");
}

TEST_CASE("what a pool or a service can't say is told with its line") {
  struct Row {
    const char* plugins;
    const char* zone;
    const char* told;
  };
  const Row rows[] = {
      {"weighted => { w => { a => [x.example.net., 1], b => [y.example.net., 1] } }",
       "w 1/1 DYNC weighted!w\n", "pools of names are not in this version"},
      {"weighted => { w => { multi => true, a => [192.0.2.1, 1], b => [192.0.2.2, 2] } }",
       "w 1/1 DYNA weighted!w\n", "multi = true with different weights"},
      {"weighted => { w => { g => { a => [192.0.2.1, 1] }, h => { b => [192.0.2.2, 2] } } }",
       "w 1/1 DYNA weighted!w\n", "groups, of which gdnsd draws one"},
      {"multifo => { m => { service_types => web, a => 192.0.2.1 } }", "w 1/1 DYNA multifo!m\n",
       "map/config:2:38: not imported: service_types 'web'"},
      {"multifo => { m => { ignore_health => true, a => 192.0.2.1 } }", "w 1/1 DYNA multifo!m\n",
       "ignore_health"},
      {"multifo => { m => [192.0.2.1] }", "w 60 DYNA multifo!m\nv 600/30 DYNA multifo!m\n",
       "map/zones/example.com:6:1: not imported: TTL 600/30"},
      {"multifo => { m => [192.0.2.1] }", "w 800000 DYNA multifo!m\n", "a service has at most 604800"},
      {"null => {}", "w 1/1 DYNA null\n", "plugin null has no counterpart"},
      {"multifo => { m => [192.0.2.1] }", "", "resource multifo!m: no zone has a record for it"},
      {"extmon => {}", "", "plugin 'extmon': it has no counterpart"},
      {"", "glue.example.net. A 192.0.2.1\n", "glue.example.net lies outside the zone"},
      {"", "$ADDR_LIMIT_V4 3\n", "directive $ADDR_LIMIT_V4"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.plugins);
    CAPTURE(row.zone);
    const auto result = import_text(row.plugins, row.zone);
    CHECK(result.errors == "");
    CHECK_MESSAGE(result.report.find(row.told) != std::string::npos, result.report);
    CHECK(std::ranges::count(result.report, '\n') ==
          (std::string_view{row.told}.starts_with("pools of") ? 3 : 1));
  }
}

TEST_CASE("static resources are plain records") {
  const auto result = import_text("static => { a => 192.0.2.1, b => 2001:db8::1, c => x.example.net. }",
                                  "a 1/1 DYNA static!a\nb 2 DYNC static!b\nc DYNC static!c\n");
  CHECK(result.errors == "");
  CHECK(result.imported.model.services.empty());
  CHECK(
      result.file("zones/example.com.zone")
          .ends_with(
              ";a 1/1 DYNA static!a\na.example.com. 1 A 192.0.2.1\n;b 2 DYNC static!b\nb.example.com. 2 AAAA "
              "2001:db8::1\n;c DYNC static!c\nc.example.com. 60 CNAME x.example.net.\n"));
}

TEST_CASE("zone names of gdnsd's own are written out, in every file that includes them") {
  const MapFolder folder;
  folder.write("config", "options => { zones_default_ttl => 77 }\n");
  folder.write("zones/example.com", "@ SOA ns1.@Z admin 1 2 3 4 5\n$INCLUDE parts/x sub\nz A 192.0.2.1\n");
  folder.write("zones/example.org", "$TTL 9\n$INCLUDE \"parts/x\"\n");
  folder.write("zones/parts/x", "$TTL 5\n$ORIGIN y.@F\na CNAME b.@Z ; keep\n");
  folder.write("zones/.hidden", "nonsense");
  folder.write("zones/0@25.2.0.192.in-addr.arpa", "@ SOA a b 1 2 3 4 5\n");
  const auto result = import_folder(folder);
  CHECK(result.errors == "");
  CHECK(result.file("zones/example.com.zone") ==
        "$TTL 77\n@ SOA ns1.example.com. admin 1 2 3 4 5\n$INCLUDE parts/x sub\n$TTL 77\nz A 192.0.2.1\n");
  CHECK(result.file("zones/example.org.zone") == "$TTL 9\n$INCLUDE parts/x-2\n$TTL 9\n");
  CHECK(result.file("zones/parts/x") ==
        "$TTL 5\n$ORIGIN y.sub.example.com.\na CNAME b.example.com. ; keep\n");
  CHECK(result.file("zones/parts/x-2") == "$TTL 5\n$ORIGIN y.example.org.\na CNAME b.example.org. ; keep\n");
  CHECK(result.file("zones/0\\04725.2.0.192.in-addr.arpa.zone") != "none");
}

TEST_CASE("options and service types are told, each with where its counterpart is") {
  const MapFolder folder;
  folder.write("config",
               "options => { listen => [ 192.0.2.1 192.0.2.2 ], zones_strict_data => true }\n"
               "service_types => { web => { plugin => tcp_connect } }\n");
  folder.write("zones/example.com", kZoneHead);
  CHECK(
      import_folder(folder).report ==
      "map/config:1:14: not imported: option listen = [ 192.0.2.1 192.0.2.2 ]: the site file's 'listen: "
      "dns:' has the "
      "addresses and ports\n"
      "map/config:1:49: not imported: option zones_strict_data = true: it has no counterpart\n"
      "map/config:2:20: not imported: service type 'web' (tcp_connect): write a check in services.yaml, and "
      "'check' for the services; without one every address counts as up\n");
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::importer

#include "config/parse.hpp"

#include "unit/config/messages.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::config {
namespace {

using test::load_text;
using test::messages;
using test::Row;

/// The message for one rule, `maps: {web: {rules: [{…}]}}` in four lines, the rule from column 9 of line 4
/// on.
std::string rule_message(const std::string& rule) {
  return messages(load_text(FileKind::Maps, "maps:\n  web:\n    rules:\n      - " + rule + "\n").diagnostics);
}

TEST_SUITE_BEGIN("config/parse_maps");

TEST_CASE("a map has rules, datacenters and databases") {
  const auto loaded = load_text(FileKind::Maps,
                                "maps:\n"
                                "  web:\n"
                                "    rules:\n"
                                "      - {for: dach, prefer: [fra, {ams: 70, iad: 30}], note: \"near\"}\n"
                                "      - {for: NO, only: [sin]}\n"
                                "      - {for: CN, only: []}\n"
                                "      - {for: everyone, prefer: nearest}\n"
                                "      - {for: \"continent:EU\", prefer: {nearest: 5}}\n"
                                "    datacenters: [ams, fra]\n"
                                "    geoip: [city, asn]\n"
                                "  all: {}\n");
  CHECK(messages(loaded.diagnostics) == "");
  CHECK(loaded.maps_complete);
  REQUIRE(loaded.model.maps.size() == 2);
  const auto& web = loaded.model.maps[0];
  REQUIRE(web.rules.size() == 5);
  CHECK(web.rules[0].place.code == "dach");
  CHECK(base::to_string(web.rules[0].where) == "file.yaml:4:9");
  CHECK(base::to_string(web.rules[0].place.where) == "file.yaml:4:15");
  CHECK(web.rules[0].order == Rule::Order::Prefer);
  CHECK(web.rules[0].note == "near");
  REQUIRE(web.rules[0].tiers.size() == 2);
  CHECK(web.rules[0].tiers[0][0].name.text == "fra");
  CHECK(web.rules[0].tiers[0][0].weight == 1);
  REQUIRE(web.rules[0].tiers[1].size() == 2);
  CHECK(web.rules[0].tiers[1][1].name.text == "iad");
  CHECK(web.rules[0].tiers[1][1].weight == 30);
  CHECK(web.rules[1].order == Rule::Order::Only);
  CHECK(web.rules[1].place.code == "NO");
  CHECK(web.rules[2].order == Rule::Order::Only);
  CHECK(web.rules[2].tiers.empty());
  CHECK(web.rules[3].order == Rule::Order::Nearest);
  CHECK(web.rules[3].nearest_count == 3);
  CHECK(web.rules[4].nearest_count == 5);
  REQUIRE(web.datacenters.size() == 2);
  CHECK(web.datacenters[1].text == "fra");
  REQUIRE(web.geoip.size() == 2);
  CHECK(loaded.model.maps[1].rules.empty());
}

TEST_CASE("rules may end, and a map may have rules for resolvers") {
  const auto loaded = load_text(FileKind::Maps,
                                "maps:\n  web:\n    rules:\n"
                                "      - {for: DE, prefer: [fra], until: 2028-02-29, note: moves}\n"
                                "      - {for: \"file:feeds/a.nets\", prefer: as_listed}\n"
                                "    resolvers:\n"
                                "      - {for: 192.0.2.53, prefer: [ams]}\n");
  CHECK(messages(loaded.diagnostics) == "");
  REQUIRE(loaded.model.maps.size() == 1);
  const auto& web = loaded.model.maps[0];
  REQUIRE(web.rules.size() == 2);
  using namespace std::chrono_literals;
  CHECK(web.rules[0].until == std::chrono::sys_days{2028y / 2 / 29});
  CHECK(web.rules[0].note == "moves");
  CHECK_FALSE(web.rules[1].until);
  CHECK(web.rules[1].order == Rule::Order::AsListed);
  REQUIRE(web.resolvers.size() == 1);
  CHECK(base::to_string(web.resolvers[0].place.network) == "192.0.2.53/32");
}

TEST_CASE("what a map can't be") {
  const Row rows[] = {
      {"empty file", "", "1:1: the key 'maps' is missing"},
      {"unknown key", "maps: {web: {rule: []}}", "1:14: unknown key 'rule'; did you mean 'rules'?"},
      {"resolvers", "maps: {web: {resolvers: [DE]}}", "1:26: 'resolvers': expected a mapping, found 'DE'"},
      {"rules as a mapping", "maps: {web: {rules: {for: DE}}}",
       "1:21: 'rules': expected a list, found a mapping"},
      {"a rule as text", "maps: {web: {rules: [DE]}}", "1:22: 'rules': expected a mapping, found 'DE'"},
      {"name", "maps: {Web: {}}",
       "1:8: 'Web' is no name for a map; use lower-case letters, digits, '-' and '_', a letter first, at "
       "most 63"},
      {"datacenter twice", "maps: {web: {datacenters: [ams, ams]}}",
       "1:33: datacenter 'ams' stands twice here; the first is in line 1"},
      {"no datacenter", "maps: {web: {datacenters: []}}",
       "1:27: 'datacenters' names no datacenter; leave the key out for all"},
      {"one database", "maps: {web: {geoip: city}}", "1:21: 'geoip': expected a list ([city]), found 'city'"},
      {"map twice", "maps:\n  web: {}\n  web: {}\n",
       "3:3: 'web' stands twice in this mapping; the first is in line 2"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(messages(load_text(FileKind::Maps, row.text).diagnostics) == row.message);
  }
}

TEST_CASE("what a rule can't be") {
  const Row rows[] = {
      {"no for", "{prefer: [fra]}", "4:9: 'rules': the key 'for' is missing"},
      {"no order", "{for: DE}", "4:9: this rule says nothing; add 'prefer' or 'only'"},
      {"both orders", "{for: DE, prefer: [fra], only: [ams]}",
       "4:40: a rule has either 'prefer' or 'only', not both"},
      {"unknown key", "{for: DE, prefers: [fra], only: []}",
       "4:19: unknown key 'prefers'; did you mean 'prefer'?"},
      {"until", "{for: DE, prefer: [fra], until: tomorrow}",
       "4:41: 'until': expected a day of the calendar, such as 2027-03-01, found 'tomorrow'"},
      {"until a day that is none", "{for: DE, prefer: [fra], until: 2027-02-29}",
       "4:41: 'until': expected a day of the calendar, such as 2027-03-01, found '2027-02-29'"},
      {"until with a sign", "{for: DE, prefer: [fra], until: 2027-+3-01}",
       "4:41: 'until': expected a day of the calendar, such as 2027-03-01, found '2027-+3-01'"},
      {"nearest beside prefer", "{for: DE, nearest: 5}",
       "4:19: 'nearest' goes under 'prefer'; write prefer: {nearest: 5}"},
      {"two places", "{for: [DE, AT], prefer: [fra]}",
       "4:15: 'for' takes one place; give several a name in regions.yaml and write that, or write a rule for "
       "each"},
      {"place as a mapping", "{for: {a: b}, prefer: [fra]}", "4:15: 'for': expected text, found a mapping"},
      {"not", "{for: not DE, prefer: [fra]}",
       "4:15: 'not' can only stand before a member of a region; define one in regions.yaml"},
      {"bad network", "{for: 10.0.0.1/8, prefer: [fra]}",
       "4:15: '10.0.0.1/8' has host bits set; the network is 10.0.0.0/8"},
      {"a single datacenter", "{for: DE, prefer: fra}",
       "4:27: 'prefer': expected a list ([fra]) or nearest, found 'fra'"},
      {"a single bad name", "{for: DE, prefer: \"FRA 1\"}",
       "4:27: 'prefer': expected a list of datacenters or nearest, found 'FRA 1'"},
      {"a single only", "{for: DE, only: fra}", "4:25: 'only': expected a list ([fra]), found 'fra'"},
      {"nothing preferred", "{for: DE, prefer: []}",
       "4:27: 'prefer' names no datacenter; write prefer: nearest, or only: [] to answer with none"},
      {"left out", "{for: DE, prefer: }", "4:19: 'prefer': expected a list, found nothing"},
      {"fastest", "{for: DE, prefer: fastest}", "4:27: 'fastest' is not supported in this version"},
      {"as_listed without a file", "{for: DE, prefer: as_listed}",
       "4:27: 'as_listed' takes the datacenters from the lines of a networks file; write for: file:…, or "
       "list "
       "them here"},
      {"as_listed in a list", "{for: \"file:a.nets\", prefer: [as_listed]}",
       "4:39: 'as_listed' takes the datacenters from a networks file and can't stand in a list; write "
       "prefer: "
       "as_listed"},
      {"nearest in a list", "{for: DE, prefer: [nearest]}",
       "4:28: 'nearest' orders all datacenters and can't stand in a list; write prefer: nearest"},
      {"nearest 0", "{for: DE, prefer: {nearest: 0}}",
       "4:37: 'nearest': expected a whole number from 1 to 16, found '0'"},
      {"nearest 17", "{for: DE, prefer: {nearest: 17}}",
       "4:37: 'nearest': expected a whole number from 1 to 16, found '17'"},
      {"weights without a list", "{for: DE, prefer: {fra: 70}}",
       "4:27: 'prefer': expected a list of tiers, such as [{ams: 70, fra: 30}], or {nearest: 5}, found a "
       "mapping"},
      {"nearest and more", "{for: DE, prefer: {nearest: 5, fra: 70}}",
       "4:40: unknown key 'fra'; the only key here is nearest"},
      {"weight 0", "{for: DE, prefer: [{fra: 0}]}",
       "4:34: 'fra': expected a whole number from 1 to 65535, found '0'"},
      {"weight too large", "{for: DE, prefer: [{fra: 65536}]}",
       "4:34: 'fra': expected a whole number from 1 to 65535, found '65536'"},
      {"weight as percent", "{for: DE, prefer: [{fra: 70%}]}",
       "4:34: 'fra': expected a whole number from 1 to 65535, found '70%'"},
      {"empty tier", "{for: DE, prefer: [{}]}", "4:28: this tier names no datacenter"},
      {"list in a list", "{for: DE, prefer: [[fra, ams]]}",
       "4:28: 'prefer': expected a datacenter, or datacenters with weights such as {ams: 70, fra: 30}, found "
       "a list"},
      {"datacenter twice", "{for: DE, only: [fra, {ams: 1, fra: 2}]}",
       "4:40: datacenter 'fra' stands twice in this rule; the first is in line 4"},
      {"name twice in a tier", "{for: DE, only: [{fra: 1, fra: 2}]}",
       "4:35: 'fra' stands twice in this mapping; the first is in line 4"},
      {"upper case", "{for: DE, only: [FRA]}",
       "4:26: 'FRA' is no name for a datacenter; use lower-case letters, digits, '-' and '_', a letter "
       "first, at most 63"},
      {"note as a list", "{for: DE, only: [fra], note: [a]}", "4:38: 'note': expected text, found a list"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(rule_message(row.text) == row.message);
  }
}

TEST_CASE("a rule with an error keeps its place, so that later steps can check it") {
  const auto loaded =
      load_text(FileKind::Maps, "maps: {web: {rules: [{for: DE, prefer: fra}, {for: \"?\", only: []}]}}");
  CHECK(loaded.maps_complete);
  REQUIRE(loaded.model.maps.size() == 1);
  CHECK(loaded.model.maps[0].rules.size() == 1);
  CHECK_FALSE(load_text(FileKind::Maps, "maps: {WEB: {}}").maps_complete);
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config

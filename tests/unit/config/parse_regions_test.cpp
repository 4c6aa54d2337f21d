#include "config/parse.hpp"

#include "unit/config/messages.hpp"

#include <doctest/doctest.h>

namespace meridian::config {
namespace {

using test::load_text;
using test::messages;
using test::Row;

TEST_SUITE_BEGIN("config/parse_regions");

TEST_CASE("a region is a list of places, and Norway needs no quotes") {
  const auto loaded = load_text(FileKind::Regions,
                                "regions:\n"
                                "  nordics: [NO, se, DK]\n"
                                "  europe:  [continent:EU, not RU]\n"
                                "  offices: [203.0.113.0/24, \"2001:db8:77::/48\"]\n"
                                "  emea:    [europe, m49:002, AS3320, US-CA]\n");
  CHECK(messages(loaded.diagnostics) == "");
  CHECK(loaded.regions_complete);
  const auto& regions = loaded.model.regions;
  REQUIRE(regions.size() == 4);
  CHECK(regions[0].members[0].code == "NO");
  CHECK(regions[0].members[1].code == "SE");
  CHECK(regions[1].members[1].negated);
  CHECK(base::to_string(regions[1].members[1].where) == "file.yaml:3:27");
  CHECK(regions[2].members[1].kind == PlaceRef::Kind::Network);
  CHECK(regions[3].members[0].kind == PlaceRef::Kind::Region);
}

TEST_CASE("a map may have no regions at all") {
  CHECK(messages(load_text(FileKind::Regions, "regions: {}").diagnostics) == "");
}

TEST_CASE("what a region can't be") {
  const Row rows[] = {
      {"empty file", "# nothing", "1:1: the key 'regions' is missing"},
      {"unknown key", "regions: {}\nregion: {}", "2:1: unknown key 'region'; did you mean 'regions'?"},
      {"single place", "regions: {dach: DE}", "1:17: 'dach': expected a list ([DE]), found 'DE'"},
      {"no place", "regions: {dach: []}", "1:17: region 'dach' names no place"},
      {"only not", "regions: {dach: [not DE]}",
       "1:17: region 'dach' has only 'not' members; name what they are taken out of"},
      {"a list in a list", "regions: {dach: [[DE]]}", "1:18: 'dach': expected text, found a list"},
      {"twice", "regions: {dach: [DE, AT, de]}",
       "1:26: 'DE' stands twice in this region; the first is in line 1"},
      {"host bits", "regions: {office: [203.0.113.7/24]}",
       "1:20: '203.0.113.7/24' has host bits set; the network is 203.0.113.0/24"},
      {"file", "regions: {partner: [\"file:../x.nets\"]}",
       "1:21: '../x.nets' leads out of a folder; write a path inside the map directory, such as "
       "file:feeds/partner.nets"},
      {"country code", "regions: {de: [DE]}",
       "1:11: 'de' has the form of a country code and can't name a region"},
      {"keyword", "regions: {everyone: [DE]}", "1:11: 'everyone' is a keyword and can't name a region"},
      {"upper case", "regions: {DACH: [DE]}",
       "1:11: 'DACH' is no name for a region; use lower-case letters, digits, '-' and '_', a letter first, "
       "at most 63"},
      {"same name", "regions:\n  dach: [DE]\n  dach: [AT]\n",
       "3:3: 'dach' stands twice in this mapping; the first is in line 2"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(messages(load_text(FileKind::Regions, row.text).diagnostics) == row.message);
  }
}

TEST_CASE("a region whose name is refused leaves the list of regions incomplete") {
  CHECK_FALSE(load_text(FileKind::Regions, "regions: {us-ca: [DE]}").regions_complete);
  CHECK(load_text(FileKind::Regions, "regions: {dach: [\"?\"]}").regions_complete);
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config

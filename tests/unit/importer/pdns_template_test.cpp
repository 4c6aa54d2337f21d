#include "importer/pdns_template.hpp"

#include <doctest/doctest.h>

namespace meridian::importer {
namespace {

const geo::Places& places() {
  static const auto loaded = geo::load_places(MERIDIAN_SOURCE_DIR "/geo/data/places.json");
  REQUIRE(loaded.has_value());
  return *loaded;
}

/// The place with which the template expands to the text, or why there is none.
std::string place(std::string_view format, std::string_view text) {
  const auto facts = PdnsTemplate(format).match(text);
  if (!facts) return "no match";
  const auto found = place_of(*facts, places());
  return found ? *found : found.error();
}

TEST_SUITE_BEGIN("importer/pdns_template");

TEST_CASE("a template's record names a place") {
  struct Row {
    const char* format;
    const char* text;
    const char* place;
  };
  const Row rows[] = {
      {"%cc.svc", "de.svc", "DE"},
      {"%cn.svc", "eu.svc", "continent:EU"},
      {"%co.%cn.svc", "fin.eu.svc", "FI"},
      {"%co.%cn.svc", "fin.as.svc", "FI lies in EU, so no client is there"},
      {"%cc-%re.svc", "us-ca.svc", "US-CA"},
      {"%as.svc", "3320.svc", "AS3320"},
      {"%as.svc", "as3320.svc", "AS3320"},
      {"%re.svc", "ca.svc", "a region without its country can be in several"},
      {"%as.%cc.svc", "3320.de.svc", "a map has no place for a part of an AS"},
      {"%cc.svc", "unknown.svc", "a map has no place for clients of whom that is unknown"},
      {"%cc.svc", "deu.svc", "no match"},
      {"%cc.svc", "de.svc.more", "no match"},
      {"%cc.%cc.svc", "de.fr.svc", "no match"},
      {"svc", "svc", "everyone"},
      {"%co.svc", "xyz.svc", "'XYZ' is no country"},
      {"%cc.svc", "zz.svc", "'ZZ' is no country"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.format);
    CAPTURE(row.text);
    CHECK(place(row.format, row.text) == row.place);
  }
}

TEST_CASE("placeholders that no place stands for are named") {
  CHECK(PdnsTemplate("%ci.svc").foreign() == "%ci");
  CHECK(PdnsTemplate("%cc.%ip4").foreign() == "%ip4");
  CHECK(PdnsTemplate("%dd.svc").foreign() == "%dd");
  CHECK(PdnsTemplate("%cc.svc").foreign() == "");
  CHECK(PdnsTemplate("%mp.svc").has("mp"));
  CHECK(PdnsTemplate("a.svc").is_literal());
}

TEST_CASE("facts of a place expand templates, and what is not known does not") {
  const auto facts = facts_of("US-CA", places());
  CHECK(PdnsTemplate("%co.%cn.%re.svc").expand(facts) == "usa.na.ca.svc");
  CHECK_FALSE(PdnsTemplate("%as.svc").expand(facts).has_value());
  CHECK(PdnsTemplate("%as.svc").expand(facts_of("AS3320", places())) == "3320.svc");
  CHECK(PdnsTemplate("%cn.svc").expand(facts_of("continent:SA", places())) == "sa.svc");
  CHECK(facts_of("everyone", places()).empty());
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::importer

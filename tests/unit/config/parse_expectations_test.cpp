#include "config/parse.hpp"

#include "messages.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::config {
namespace {

using test::load_text;
using test::messages;
using test::Row;

std::string complaint(const std::string& expectation) {
  return messages(load_text(FileKind::Expect, "expect:\n  - " + expectation + "\n").diagnostics);
}

TEST_SUITE_BEGIN("config/parse_expectations");

TEST_CASE("every form of an expectation is read") {
  const auto loaded = load_text(FileKind::Expect,
                                "expect:\n"
                                "  - {from: 203.0.113.7, ask: WWW.example.com, first: ams}\n"
                                "  - {from: DE, map: web, first: [fra, ams], note: \"the law\"}\n"
                                "  - {from: continent:EU, map: web, never: [sin]}\n"
                                "  - {from: everyone, map: web, datacenters_at_least: 2, never: lab}\n");
  CHECK(messages(loaded.diagnostics) == "");
  const auto& expectations = loaded.model.expectations;
  REQUIRE(expectations.size() == 4);
  CHECK(expectations[0].from.network == *base::parse_ip_prefix("203.0.113.7"));
  CHECK(expectations[0].ask.text == "WWW.example.com");
  CHECK(dns::to_string(expectations[0].ask_owner) == "www.example.com");
  CHECK(expectations[0].map.text.empty());
  REQUIRE(expectations[0].first.size() == 1);
  CHECK(expectations[0].first[0].text == "ams");
  CHECK(expectations[0].where.line == 2);
  CHECK(expectations[0].where.column == 5);
  CHECK(expectations[1].map.text == "web");
  CHECK(expectations[1].first.size() == 2);
  CHECK(expectations[1].note == "the law");
  CHECK(expectations[2].never[0].text == "sin");
  CHECK(expectations[2].from.kind == PlaceRef::Kind::Continent);
  CHECK(expectations[3].datacenters_at_least == 2);
  CHECK(expectations[3].never[0].text == "lab");
}

TEST_CASE("no expectations are fine, a file without the key is not") {
  CHECK(messages(load_text(FileKind::Expect, "expect: []").diagnostics) == "");
  CHECK(messages(load_text(FileKind::Expect, "").diagnostics) == "1:1: the key 'expect' is missing");
}

TEST_CASE("what no expectation can say is told where it stands") {
  const Row rows[] = {
      {"no place", "{map: web, first: ams}", "2:5: 'expect': the key 'from' is missing"},
      {"several places", "{from: [DE, FR], map: web, first: ams}",
       "2:12: 'from' takes one place; give several a name in regions.yaml and write that, or write an "
       "expectation for each"},
      {"no such form of a place", "{from: \"?\", map: web, first: ams}",
       "2:12: '?' is no place; write a country (DE), a subdivision (US-CA), continent:EU, m49:009, AS3320, "
       "city:DE/Munich, a network, file:…, a region's name or everyone"},
      {"host bits", "{from: 203.0.113.7/24, map: web, first: ams}",
       "2:12: '203.0.113.7/24' has host bits set; the network is 203.0.113.0/24"},
      {"neither name nor map", "{from: DE, first: ams}",
       "2:5: this expectation asks for nothing; add 'ask' with a steered name, or 'map'"},
      {"name and map", "{from: DE, ask: a.example, map: web, first: ams}",
       "2:37: an expectation has either 'ask' or 'map', not both"},
      {"nothing expected", "{from: DE, map: web}",
       "2:5: this expectation expects nothing; add 'first', 'never' or 'datacenters_at_least'"},
      {"no datacenter", "{from: DE, map: web, never: []}",
       "2:33: 'never' names no datacenter; name one, or leave the key out"},
      {"a name that is none", "{from: DE, map: web, first: AMS}",
       "2:33: 'AMS' is no name for a datacenter; use lower-case letters, digits, '-' and '_', a letter "
       "first, at most 63"},
      {"twice the same", "{from: DE, map: web, first: [ams, ams]}",
       "2:39: datacenter 'ams' stands twice here; the first is in line 2"},
      {"none at all", "{from: DE, map: web, datacenters_at_least: 0}",
       "2:48: 'datacenters_at_least': expected a whole number from 1 to 1024, found '0'"},
      {"no DNS name", "{from: DE, ask: a..b, first: ams}", "2:21: 'a..b' has an empty label"},
      {"an unknown key", "{from: DE, map: web, firs: ams}",
       "2:5: this expectation expects nothing; add 'first', 'never' or 'datacenters_at_least'\n"
       "2:26: unknown key 'firs'; did you mean 'first'?"},
      {"no mapping", "DE", "2:5: 'expect': expected a mapping, found 'DE'"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(complaint(row.text) == row.message);
  }
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config

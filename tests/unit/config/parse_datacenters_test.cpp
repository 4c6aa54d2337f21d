#include "config/parse.hpp"

#include "unit/config/messages.hpp"

#include <doctest/doctest.h>

namespace meridian::config {
namespace {

using test::load_text;
using test::messages;
using test::Row;

TEST_SUITE_BEGIN("config/parse_datacenters");

TEST_CASE("a datacenter has coordinates, capacity, tags and may wait for rules that name it") {
  const auto loaded = load_text(FileKind::Datacenters,
                                "datacenters:\n"
                                "  ams: {at: [52.31, 4.76], capacity: 40000, tags: [eu, NO]}\n"
                                "  lab: {named_only: true}\n"
                                "  fra: {}\n");
  CHECK(messages(loaded.diagnostics) == "");
  CHECK(loaded.datacenters_complete);
  const auto& datacenters = loaded.model.datacenters;
  REQUIRE(datacenters.size() == 3);
  CHECK(datacenters[0].name.text == "ams");
  CHECK(base::to_string(datacenters[0].name.where) == "file.yaml:2:3");
  CHECK(datacenters[0].at == base::Coordinates{52.31, 4.76});
  CHECK(datacenters[0].capacity == 40'000);
  CHECK(datacenters[0].tags == std::vector<std::string>{"eu", "NO"});
  CHECK_FALSE(datacenters[0].named_only);
  CHECK(datacenters[1].named_only);
  CHECK_FALSE(datacenters[2].at);
  CHECK_FALSE(datacenters[2].capacity);
}

TEST_CASE("what a datacenter can't be") {
  const Row rows[] = {
      {"empty file", "", "1:1: the key 'datacenters' is missing"},
      {"not a mapping", "[ams]", "1:1: expected a mapping, found a list"},
      {"names in a list", "datacenters: [ams]", "1:14: 'datacenters': expected a mapping, found a list"},
      {"no datacenter", "datacenters: {}", "1:14: 'datacenters' names none; a map needs at least one"},
      {"left out", "datacenters:\n", "1:1: 'datacenters': expected a mapping, found nothing"},
      {"unknown file key", "datacenters: {a: {}}\ndatacentres: {}",
       "2:1: unknown key 'datacentres'; did you mean 'datacenters'?"},
      {"unknown key", "datacenters: {a: {lat: 1}}", "1:19: unknown key 'lat'; did you mean 'at'?"},
      {"unknown key far from all", "datacenters: {a: {location: x}}",
       "1:19: unknown key 'location'; the keys here are at, capacity, tags, named_only"},
      {"nothing said", "datacenters: {a: }", "1:15: 'a': expected a mapping, found nothing"},
      {"one coordinate", "datacenters: {a: {at: [52.31]}}",
       "1:23: 'at': expected [latitude, longitude], found a list"},
      {"coordinates as text", "datacenters: {a: {at: 52.31 4.76}}",
       "1:23: 'at': expected [latitude, longitude], found '52.31 4.76'"},
      {"latitude", "datacenters: {a: {at: [91, 0]}}",
       "1:24: 'at': expected a number from -90 to 90, found '91'"},
      {"longitude", "datacenters: {a: {at: [0, -180.5]}}",
       "1:27: 'at': expected a number from -180 to 180, found '-180.5'"},
      {"no capacity", "datacenters: {a: {capacity: 0}}",
       "1:29: 'capacity': expected a number above 0, found '0'"},
      {"capacity with a unit", "datacenters: {a: {capacity: 10G}}",
       "1:29: 'capacity': expected a number above 0, found '10G'"},
      {"negative capacity", "datacenters: {a: {capacity: -1}}",
       "1:29: 'capacity': expected a number above 0, found '-1'"},
      {"one tag", "datacenters: {a: {tags: eu}}", "1:25: 'tags': expected a list ([eu]), found 'eu'"},
      {"a tag in a list", "datacenters: {a: {tags: [[eu]]}}", "1:26: 'tags': expected text, found a list"},
      {"named_only", "datacenters: {a: {named_only: yes}}",
       "1:31: 'named_only': expected true or false, found 'yes'"},
      {"twice", "datacenters:\n  a: {}\n  a: {}\n",
       "3:3: 'a' stands twice in this mapping; the first is in line 2"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(messages(load_text(FileKind::Datacenters, row.text).diagnostics) == row.message);
  }
}

TEST_CASE("a bad name leaves the list of datacenters incomplete, a bad value does not") {
  const auto bad_name = load_text(FileKind::Datacenters, "datacenters: {AMS: {}, nearest: {}, fra: {}}");
  CHECK(messages(bad_name.diagnostics) ==
        "1:15: 'AMS' is no name for a datacenter; use lower-case letters, digits, '-' and '_', a letter "
        "first, at most 63\n"
        "1:24: 'nearest' is a keyword and can't name a datacenter");
  CHECK_FALSE(bad_name.datacenters_complete);
  CHECK(bad_name.model.datacenters.size() == 1);

  const auto bad_value = load_text(FileKind::Datacenters, "datacenters: {ams: {at: here}, fra: []}");
  CHECK(bad_value.diagnostics.error_count() == 2);
  CHECK(bad_value.datacenters_complete);
  CHECK(bad_value.model.datacenters.size() == 2);
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config

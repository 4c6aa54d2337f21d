#include "importer/report.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

namespace meridian::importer {
namespace {

TEST_SUITE_BEGIN("importer/report");

TEST_CASE("findings come by their lines, each once") {
  Report report;
  report.gap({"config", 12, 3}, "later");
  report.note({"config", 2, 1}, "earlier");
  report.gap({"config", 12, 3}, "later");
  CHECK(report.to_text() == "config:2:1: note: earlier\nconfig:12:3: not imported: later\n");
  CHECK(report.count(Finding::Kind::Gap) == 1);
  CHECK(report.count(Finding::Kind::Note) == 1);
}

TEST_CASE("the JSON has gaps and notes with their places") {
  Report report;
  report.gap({"config", 12, 3}, "a \"gap\"");
  const auto json = boost::json::parse(to_json(report, {1, 2, 3, 4, 5}, "map"));
  CHECK(json.at("directory") == "map");
  CHECK(json.at("imported").at("services") == 4);
  CHECK(json.at("gaps").as_array().size() == 1);
  CHECK(json.at("gaps").at(0).at("line") == 12);
  CHECK(json.at("gaps").at(0).at("what") == "a \"gap\"");
  CHECK(json.at("notes").as_array().empty());
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::importer

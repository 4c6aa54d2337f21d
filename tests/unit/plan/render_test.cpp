#include "plan/render.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <string>
#include <vector>

namespace meridian::plan {
namespace {

Comparison sample() {
  Comparison comparison;
  comparison.has_demand = true;
  comparison.compared = 2;
  comparison.all.total = {4'096, 64, 1'000};
  comparison.all.moved = {1'024, 0, 100};
  comparison.all.unknown_moved = {16, 0, 0};
  comparison.all.flows = {{"ams", "sin", {1'024, 0, 100}}};
  comparison.services.push_back({{"api.example.com", "www.example.com"}, comparison.all, {}});
  comparison.places = {{"US-CA", "California", {1'000, 0, 90}}, {"", "", {24, 0, 10}}};
  comparison.systems = {{"AS3320", "Example Telekom", {1'024, 0, 100}}};
  comparison.datacenters = {{"ams", {4'096, 64, 1'000}, {3'072, 64, 900}, std::nullopt},
                            {"sin", {0, 0, 0}, {1'024, 0, 100}, 80.0}};
  comparison.overloads = {{"sin", "", 0, 100, 80, false}, {"sin", "ams", 1'000, 1'000, 80, true}};
  comparison.leaves = {{"web", 1'000, 1'001, 7, 7}};
  comparison.added = {"new.example.com"};
  comparison.removed = {"old.example.com"};
  comparison.emptied = {"old.example.com"};
  comparison.broken.error({"expect.yaml", 2, 5}, "clients from DE must get ams first");
  return comparison;
}

}  // namespace

TEST_SUITE("plan/render") {
  TEST_CASE("what matters most is told first, in aligned columns") {
    const std::vector<std::string> failed{
        "max_moved: 25.0 % of a service's address space moves; at most 5.0 % may"};
    CHECK(to_text(sample(), failed) ==
          "gate failed  max_moved: 25.0 % of a service's address space moves; at most 5.0 % may\n"
          "broken  expect.yaml:2:5: clients from DE must get ams first\n"
          "emptied  old.example.com: nobody would get an address any more\n"
          "moved  25.0 % of IPv4, 0.0 % of IPv6, 10.0 % of demand (mean of 2 names)\n"
          "       besides 16 IPv4 addresses that no database knows\n"
          "  over capacity  before  after  capacity\n"
          "  sin (new)           0    100        80\n"
          "  sin, ams lost   1,000  1,000        80\n"
          "  from → to  IPv4 addresses  IPv6 /48s        demand\n"
          "  ams → sin  1,024 (25.0 %)          –  100 (10.0 %)\n"
          "  datacenter              IPv4               IPv6       demand    of capacity\n"
          "  ams         100.0 % → 75.0 %  100.0 % → 100.0 %  1,000 → 900              –\n"
          "  sin           0.0 % → 25.0 %      0.0 % → 0.0 %      0 → 100  125.0 % of 80\n"
          "  places            IPv4 addresses  IPv6 /48s      demand\n"
          "  US-CA California  1,000 (24.4 %)          –  90 (9.0 %)\n"
          "  (unknown)             24 (0.6 %)          –  10 (1.0 %)\n"
          "  autonomous systems      IPv4 addresses  IPv6 /48s        demand\n"
          "  AS3320 Example Telekom  1,024 (25.0 %)          –  100 (10.0 %)\n"
          "  names                         IPv4   IPv6  demand\n"
          "  api.example.com and 1 more  25.0 %  0.0 %  10.0 %\n"
          "removed  old.example.com\n"
          "added  new.example.com\n"
          "scopes  map web: 1,000 → 1,001 IPv4, 7 → 7 IPv6\n");
  }

  TEST_CASE("what only queries without a client subnet do has a line and flows of its own") {
    Comparison comparison;
    comparison.compared = 1;
    comparison.all.total = {4'096, 64, 0};
    comparison.all_without_subnet = comparison.all;
    comparison.all_without_subnet->moved = {1'024, 0, 0};
    comparison.all_without_subnet->flows = {{"ams", "sin", {1'024, 0, 0}}};
    comparison.services.push_back({{"www.example.com"}, comparison.all, comparison.all_without_subnet});
    CHECK(to_text(comparison, {}) ==
          "moved  0.0 % of IPv4, 0.0 % of IPv6\n"
          "       25.0 % of IPv4, 0.0 % of IPv6, of queries without a client subnet\n"
          "  from → to, without a client subnet  IPv4 addresses  IPv6 /48s\n"
          "  ams → sin                           1,024 (25.0 %)          –\n");
    const auto told = boost::json::parse(to_json(comparison, {})).as_object();
    CHECK(told.at("services").at(0).at("without_client_subnet").at("moved").at("ipv4").to_number<double>() ==
          1'024);
    CHECK(told.at("all_without_client_subnet").at("flows").as_array().size() == 1);
    CHECK(boost::json::parse(to_json({}, {})).at("all_without_client_subnet").is_null());
  }

  TEST_CASE("nothing that changes is told as nothing") {
    CHECK(to_text({}, {}) == "");
    Comparison overloaded;
    overloaded.overloads = sample().overloads;
    CHECK(to_text(overloaded, {}) == "");  // as it was before
  }

  TEST_CASE("the JSON has every key, changed or not") {
    const auto changed = boost::json::parse(to_json(sample(), {})).as_object();
    const auto unchanged = boost::json::parse(to_json({}, {})).as_object();
    CHECK(changed.size() == unchanged.size());
    for (const auto& [key, value] : changed) CHECK_MESSAGE(unchanged.contains(key), std::string{key});
    CHECK(changed.at("changed").as_bool());
    CHECK_FALSE(unchanged.at("changed").as_bool());
    CHECK(changed.at("all").at("moved").at("ipv4").to_number<double>() == 1'024);
    CHECK(changed.at("all").at("moved").at("demand").to_number<double>() == 100);
    CHECK_FALSE(unchanged.at("all").at("moved").as_object().contains("demand"));
    CHECK(changed.at("services").at(0).at("names").at(1).as_string() == "www.example.com");
    CHECK(changed.at("overloads").at(1).at("lost").as_string() == "ams");
    CHECK_FALSE(changed.at("overloads").at(0).as_object().contains("lost"));
    CHECK(changed.at("expectations_broken").at(0).at("line").to_number<int>() == 2);
    CHECK(changed.at("leaves").at(0).at("ipv4_after").to_number<int>() == 1'001);
  }
}

}  // namespace meridian::plan

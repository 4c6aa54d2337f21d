#include "plan/forecast_text.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <string>

namespace meridian::plan {
namespace {

Forecast example() {
  Forecast result;
  result.total = 10'000;
  result.moved = 3'000;
  result.by_evidence = {1'500, 0, 0, 0, 1'499.9, 0, 0.1};
  result.sites.push_back({"ams1", true, 3'000, {}, 0, 5'000});
  result.sites.push_back({"fra1", false, 6'000, {1'500, 0, 0, 0, 500, 0, 0}, 3'000, 8'500});
  result.sites.push_back({"iad1", false, 1'000, {0, 0, 0, 0, 999.9, 0, 0.1}, 1'500, {}});
  result.countries.push_back({"DE", "Germany", 2'999.9, {0, 2'000, 999.9}});
  result.countries.push_back({"", "", 0.1, {0, 0, 0.1}});
  return result;
}

}  // namespace

TEST_SUITE("plan/forecast_text") {
  TEST_CASE("the sites, what it rests on, and from where") {
    CHECK(to_text(example(), "queries a second") ==
          R"(without ams1: 3,000 of 10,000 queries a second go elsewhere
  site    now   then  at most  capacity
  ams1  3,000      -        -
  fra1  6,000  8,000    9,000     8,500  may hold
  iad1  1,000  2,000    2,500
what that rests on
  1,500  50.0 %  the same network asks another site already
  1,500  50.0 %  others of its country do
  <1     <0.1 %  nothing is known: split as all queries are
from where, to which site
  DE Germany  3,000  fra1 66.7 %, iad1 33.3 %
  (unknown)      <1  iad1 100.0 %
)");
  }

  TEST_CASE("without capacities there is no column for them, and nothing that moves needs no reasons") {
    auto quiet = example();
    quiet.moved = 0;
    for (auto& site : quiet.sites) site.capacity.reset();
    CHECK(to_text(quiet, "") == R"(without ams1: 0 of 10,000 queries go elsewhere
  site    now   then  at most
  ams1  3,000      -        -
  fra1  6,000  8,000    9,000
  iad1  1,000  2,000    2,500
)");
  }

  TEST_CASE("long lists of countries are cut, but not for programs") {
    auto many = example();
    for (int i = 0; i < 25; ++i) many.countries.push_back({"DE", "Germany", 1, {0, 1, 0}});
    CHECK(to_text(many, "").find("and 7 more\n") != std::string::npos);
    CHECK(boost::json::parse(to_json(many, "")).at("countries").as_array().size() == 27);
  }

  TEST_CASE("as JSON") {
    const auto json = boost::json::parse(to_json(example(), "queries"));
    CHECK(json.at("unit").as_string() == "queries");
    CHECK(json.at("moved").to_number<double>() == 3'000);
    CHECK(json.at("evidence").at("network").to_number<double>() == 1'500);
    CHECK(json.at("evidence").at("system_in_country").to_number<double>() == 0);
    const auto& fra = json.at("sites").as_array()[1];
    CHECK(fra.at("name").as_string() == "fra1");
    CHECK_FALSE(fra.at("withdrawn").as_bool());
    CHECK(fra.at("then").to_number<double>() == 8'000);
    CHECK(fra.at("at_most").to_number<double>() == 9'000);
    CHECK(fra.at("gained").at("country").to_number<double>() == 500);
    CHECK(fra.at("verdict").as_string() == "may hold");
    CHECK(json.at("sites").as_array()[2].at("capacity").is_null());
    CHECK(json.at("sites").as_array()[2].at("verdict").is_null());
    CHECK(json.at("countries").as_array()[0].at("to").at("iad1").to_number<double>() == 999.9);
    CHECK_FALSE(json.at("countries").as_array()[0].at("to").as_object().contains("ams1"));
  }
}

}  // namespace meridian::plan

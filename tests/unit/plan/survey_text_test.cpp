#include "plan/survey_text.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <string>
#include <vector>

namespace meridian::plan {
namespace {

Survey sample() {
  Survey survey;
  survey.map = "web";
  survey.has_demand = true;
  survey.resolver_rules = 2;
  survey.known = {1'000, 100, 50};
  survey.unknown = {24, 0, 0};
  survey.orders = {{{{"ams", 1}}, {"iad"}}, {{{"iad", 0.75}, {"ams", 0.25}}, {}}};
  survey.order_amounts = {{900, 100, 50}, {100, 0, 0}};
  survey.unknown_parts = {{0, {24, 0, 0}}};
  survey.countries = {{"DE", "Germany", {600, 100, 50}, {{0, {600, 100, 50}}}},
                      {"FR", "France", {400, 0, 0}, {{0, {300, 0, 0}}, {1, {100, 0, 0}}}}};
  survey.datacenters = {{"ams", {925, 100, 50}, 80.0}, {"iad", {75, 0, 0}, std::nullopt}};
  survey.rules = {{"europe", {"maps.yaml", 4, 9}, "", false, {900, 100, 50}},
                  {"203.0.113.0/24", {"maps.yaml", 5, 9}, "an office", false, {100, 0, 0}}};
  return survey;
}

}  // namespace

TEST_SUITE("plan/survey_text") {
  TEST_CASE("datacenters first, then orders, places and rules, in aligned columns") {
    CHECK(to_text(sample()) ==
          "map web\n"
          "  datacenter    IPv4     IPv6  demand   of capacity\n"
          "  ams         92.5 %  100.0 %      50  62.5 % of 80\n"
          "  iad          7.5 %    0.0 %       0             –\n"
          "  first                     IPv4     IPv6   demand  then  places\n"
          "  ams                     90.0 %  100.0 %  100.0 %  iad   DE; parts of 1\n"
          "  iad 75.0 %, ams 25.0 %  10.0 %        –        –  –     parts of 1\n"
          "  places        IPv4     IPv6   demand  first                   then\n"
          "  DE Germany  60.0 %  100.0 %  100.0 %  ams                     iad\n"
          "  FR France   40.0 %        –        –\n"
          "    of it     75.0 %        –        –  ams                     iad\n"
          "    of it     25.0 %        –        –  iad 75.0 %, ams 25.0 %  –\n"
          "  rules             IPv4     IPv6   demand  at\n"
          "  europe          90.0 %  100.0 %  100.0 %  maps.yaml:4:9\n"
          "  203.0.113.0/24  10.0 %        –        –  maps.yaml:5:9 (an office)\n"
          "besides 24 IPv4 addresses that no database knows: ams, then iad\n"
          "besides 2 rules for queries without a client subnet\n");
  }

  TEST_CASE("long lists are cut and say so") {
    auto survey = sample();
    survey.countries.clear();
    for (int i = 0; i < 27; ++i) {
      const auto code = std::string{"A"} + static_cast<char>('A' + i % 26);
      survey.countries.push_back({code, "", {10, 0, 0}, {{0, {10, 0, 0}}}});
    }
    const auto text = to_text(survey);
    CHECK(text.find("AA, AB, AC, AD, AE, AF, AG, AH, AI, AJ, AK, AL and 15 more\n") != std::string::npos);
    CHECK(text.find("    and 7 more\n") != std::string::npos);
    CHECK(
        boost::json::parse(to_json(std::vector{survey})).at("maps").at(0).at("countries").as_array().size() ==
        27);
  }

  TEST_CASE("without demand there is no column and no key of it") {
    auto survey = sample();
    survey.has_demand = false;
    CHECK(to_text(survey).find("demand") == std::string::npos);
    CHECK(to_json(std::vector{survey}).find("demand") == std::string::npos);
  }

  TEST_CASE("a service is named with its map, and an end that is none has its word") {
    auto survey = sample();
    survey.service = "www.example.com";
    survey.orders[1].first = {{"(no address)", 1}};
    CHECK(to_text(survey).starts_with("www.example.com (map web)\n"));
    CHECK(to_text(survey).find("(no address)") != std::string::npos);
  }

  TEST_CASE("the JSON has everything, with shares as numbers") {
    const auto told = boost::json::parse(to_json(std::vector{sample()})).at("maps").at(0).as_object();
    CHECK(told.at("map").as_string() == "web");
    CHECK(told.at("service").is_null());
    CHECK(told.at("resolver_rules").to_number<int>() == 2);
    CHECK(told.at("known").at("ipv4").to_number<double>() == 1'000);
    CHECK(told.at("unknown_parts").at(0).at("amount").at("ipv4").to_number<double>() == 24);
    CHECK(told.at("datacenters").at(0).at("capacity").to_number<double>() == 80);
    const auto& france = told.at("countries").at(1);
    CHECK(france.at("code").as_string() == "FR");
    CHECK(france.at("parts").at(1).at("first").at(0).at("name").as_string() == "iad");
    CHECK(france.at("parts").at(1).at("first").at(0).at("share").to_number<double>() == 0.75);
    CHECK(france.at("parts").at(0).at("then").at(0).as_string() == "iad");
    CHECK(told.at("rules").at(1).at("line").to_number<int>() == 5);
    CHECK(told.at("rules").at(1).at("note").as_string() == "an office");
    CHECK_FALSE(told.at("rules").at(0).as_object().contains("note"));
  }
}

}  // namespace meridian::plan

// Surveys of random maps against brute force: every block of a small world, asked through the real decide().
#include "plan/survey.hpp"

#include "plan/compare.hpp"
#include "query/decide.hpp"
#include "unit/plan/random_world.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>
#include <utility>

namespace meridian::plan {
namespace {

using namespace random_world;

/// Amounts by country and datacenter.
using Ends = std::map<std::pair<std::string, std::string>, Amount>;

bool is_near(double left, double right) {
  return std::abs(left - right) <= 1e-6 * std::max({1.0, left, right});
}

bool is_near(const Amount& left, const Amount& right) {
  return is_near(left.v4, right.v4) && is_near(left.v6, right.v6) && is_near(left.demand, right.demand);
}

/// What the server answers to each block, where a database or a rule knows something.
Ends ask_all(const compile::Compiled& compiled) {
  const auto& snapshot = *compiled.snapshot;
  const auto& rules = compiled.rulebook->maps[0];
  const query::Tables tables(snapshot);
  base::Random random(1);
  Ends ends;
  for (const auto family : {base::Family::V4, base::Family::V6}) {
    for (std::uint32_t i = 0; i < kBlocks; ++i) {
      const auto block = world_block(family, i);
      const auto country = rules.database.locate(block.address).merged.place.country;
      if (country.empty() && rules.rules.network_tree(family).lookup(block.address).value == 0) continue;
      const auto decision =
          query::decide(snapshot, tables, snapshot.services[0], block.address, block, random);
      const bool is_answer = decision.verdict == query::Verdict::Answer;
      ends[{country, is_answer ? snapshot.datacenters[base::index_of(decision.choice.datacenter)].name
                               : std::string{kNoAddress}}] += amount_of(family, block.bits);
    }
  }
  return ends;
}

Ends ends_of(const Survey& survey) {
  Ends ends;
  for (const auto& country : survey.countries) {
    for (const auto& part : country.parts) {
      for (const auto& share : survey.orders[part.order].first)
        ends[{country.code, share.end}] += part.amount * share.share;
    }
  }
  return ends;
}

void check_sums(const Survey& survey) {
  Amount orders;
  for (const auto& amount : survey.order_amounts) orders += amount;
  CHECK(is_near(orders, survey.known));
  Amount countries;
  for (const auto& country : survey.countries) {
    countries += country.amount;
    Amount parts;
    for (const auto& part : country.parts) parts += part.amount;
    CHECK(is_near(parts, country.amount));
  }
  CHECK(is_near(countries, survey.known));
  Amount datacenters;
  for (const auto& datacenter : survey.datacenters) datacenters += datacenter.amount;
  CHECK(is_near(datacenters, survey.known));
  Amount rules;
  for (const auto& rule : survey.rules) rules += rule.amount;
  CHECK(is_near(rules, survey.known));
  for (const auto& order : survey.orders) {
    double sum = 0;
    for (const auto& share : order.first) sum += share.share;
    CHECK(sum == doctest::Approx(1));
  }
}

struct World {
  World(base::Random& random, const std::vector<std::string>& preferences) {
    map.write_standard();
    map.write("regions.yaml", "regions: {}\n");
    map.write("maps.yaml", random_map(random, preferences));
    map.write("services.yaml",
              "services:\n  www.example.com: {map: web, on_all_down: nodata, pools: {ams: [192.0.2.1], iad: "
              "[192.0.2.2], sin: [192.0.2.3]}}\n");
    map.write("zones/example.com.zone", "$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.53\n");
    write_database(map, random);
  }
  test::MapFixture map{MERIDIAN_BINARY_DIR "/share/meridian"};
};

}  // namespace

TEST_SUITE("plan/survey_property") {
  TEST_CASE("a survey is what every client would tell") {
    base::Random random(21);
    std::size_t ends_seen = 0;
    for (int round = 0; round < 12; ++round) {
      CAPTURE(round);
      const World world(random, {"prefer: [ams]", "prefer: [iad, sin]", "only: [sin, ams, iad]",
                                 "prefer: nearest", "only: []", "prefer: [sin]"});
      const auto compiled = world.map.must_compile();
      const auto subjects = find_subjects(*compiled.snapshot, {}, "www.example.com").value();
      const auto told = survey(compiled, subjects.front(), {}, nullptr);
      check_sums(told);
      const auto expected = ask_all(compiled);
      const auto ends = ends_of(told);
      CHECK(ends.size() == expected.size());
      for (const auto& [end, amount] : expected) {
        CAPTURE(end.first);
        CAPTURE(end.second);
        const auto found = ends.find(end);
        REQUIRE(found != ends.end());
        CHECK(found->second == amount);
        ++ends_seen;
      }
    }
    CHECK(ends_seen > 100);  // the maps were not all alike
  }

  TEST_CASE("shares of weighted tiers and of half a datacenter sum to one") {
    base::Random random(22);
    for (int round = 0; round < 6; ++round) {
      CAPTURE(round);
      const World world(random, {"prefer: [{ams: 70, iad: 30}]", "prefer: [{sin: 1, iad: 1}, ams]",
                                 "prefer: nearest", "only: [{ams: 2, iad: 1, sin: 1}]"});
      const auto compiled = world.map.must_compile();
      const auto subjects = find_subjects(*compiled.snapshot, "web", {}).value();
      std::vector<AssumedState> states(3);
      states[random.below(3)].health = steering::kFull / 2;
      const auto demand = parse_demand("96.0.0.0/10 1000\n", "demand.txt").value();
      check_sums(survey(compiled, subjects.front(), states, &demand));
    }
  }
}

}  // namespace meridian::plan

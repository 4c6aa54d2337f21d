// Plans of random maps against brute force: every block of a small world, asked through the real decide().
#include "plan/compare.hpp"

#include "base/random.hpp"
#include "plan/shape.hpp"
#include "query/capacity.hpp"
#include "query/decide.hpp"
#include "support/map_fixture.hpp"
#include "unit/plan/random_world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace meridian::plan {
namespace {

using namespace random_world;

/// Two endpoints a pool, so that one of them can be down.
std::string random_services(base::Random& random) {
  std::string pools;
  for (const auto* datacenter : kDatacenters) {
    if (random.below(5) == 0 && !pools.empty()) continue;
    pools += fmt::format("{}{}: [192.0.2.{}, 192.0.2.{}]", pools.empty() ? "" : ", ", datacenter,
                         pools.size() + 1, pools.size() + 2);
  }
  const char* actions[] = {"answer_anyway", "nodata", "servfail", "{addresses: [192.0.2.99]}"};
  return fmt::format("services:\n  www.example.com: {{map: web, on_all_down: {}, pools: {{{}}}}}\n",
                     actions[random.below(4)], pools);
}

struct Half {
  explicit Half(base::Random& random, const std::vector<std::string>& preferences) {
    map.write_standard();
    map.write("regions.yaml", "regions: {}\n");
    map.write("maps.yaml", random_map(random, preferences));
    map.write("services.yaml", random_services(random));
    map.write("zones/example.com.zone", "$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.53\n");
  }
  test::MapFixture map{MERIDIAN_BINARY_DIR "/share/meridian"};
};

/// The same states as the server would see them: one or both endpoints of each pool there are down.
void set_states(const query::Snapshot& snapshot, std::span<const AssumedState> states,
                query::Tables& tables) {
  for (std::size_t i = 0; i < states.size(); ++i)
    tables.health.set_kept(static_cast<base::DatacenterId>(i), states[i].kept);
  for (const auto& pool : snapshot.pools) {
    const auto share = states[base::index_of(pool.datacenter)].health;
    const auto count = pool.v4.count() + pool.v6.count();
    if (count < 2) continue;  // the sorry page
    if (share < steering::kFull)
      tables.health.set_state(base::EndpointId{pool.v4.begin}, health::EndpointState::Down);
    if (share == 0) tables.health.set_state(base::EndpointId{pool.v4.begin + 1}, health::EndpointState::Down);
  }
  query::settle_capacities(snapshot, tables);
}

/// In a network of no rule and no record.
const base::IpAddress kResolver = base::IpAddress::v4(0x0909'0909);

class Server {
 public:
  Server(const compile::Compiled& compiled, std::span<const AssumedState> states)
      : snapshot_(*compiled.snapshot), tables_(snapshot_) {
    set_states(snapshot_, states, tables_);
  }

  std::string ask(const base::IpAddress& client, bool with_subnet) {
    const auto bits = static_cast<std::uint8_t>(client.family == base::Family::V4 ? 24 : 56);
    const auto subnet = with_subnet ? std::optional{base::IpPrefix{client, bits}} : std::nullopt;
    const auto decision = query::decide(snapshot_, tables_, snapshot_.services[0],
                                        with_subnet ? kResolver : client, subnet, random_);
    if (decision.verdict == query::Verdict::NoData) return kNoAddress;
    if (decision.verdict == query::Verdict::ServFail) return kServfail;
    if (decision.pool == snapshot_.services[0].sorry_pool) return kSorryPage;
    return snapshot_.datacenters[base::index_of(decision.choice.datacenter)].name;
  }

 private:
  const query::Snapshot& snapshot_;
  query::Tables tables_;
  base::Random random_{1};
};

using FlowSizes = std::map<std::pair<std::string, std::string>, Amount>;

/// What moves of the known space, by asking 16 units of each block.
FlowSizes brute_force(const compile::Compiled& old, const compile::Compiled& now, const Options& options,
                      bool with_subnet = true) {
  Server before(old, options.old_states);
  Server after(now, options.new_states);
  FlowSizes flows;
  for (const auto family : {base::Family::V4, base::Family::V6}) {
    for (std::uint32_t i = 0; i < kBlocks; ++i) {
      const auto block = world_block(family, i);
      const auto is_known = [&](const compile::Compiled& side) {
        const auto& rules = side.rulebook->maps[0];
        const auto is_named = [&](const compile::RuleIndex& index) {
          return index.network_tree(family).lookup(block.address).value != 0;
        };
        return !rules.database.locate(block.address).merged.place.country.empty() || is_named(rules.rules) ||
               (!with_subnet && rules.resolvers && is_named(*rules.resolvers));
      };
      if (!is_known(old) && !is_known(now)) continue;
      for (std::uint32_t unit = 0; unit < 16; ++unit) {
        const auto client = unit_in(block, unit * 1'337 + i);
        const auto ends = std::pair{before.ask(client, with_subnet), after.ask(client, with_subnet)};
        if (ends.first != ends.second) flows[ends] += amount_of(family, block.bits) * (1.0 / 16);
      }
    }
  }
  return flows;
}

FlowSizes flows_of(const Movement& movement) {
  FlowSizes flows;
  for (const auto& flow : movement.flows) flows[{flow.from, flow.to}] = flow.amount;
  return flows;
}

bool is_near(double left, double right) {
  return std::abs(left - right) <= 1e-6 * std::max({1.0, left, right});
}

void check_sums(const Comparison& plan) {
  std::map<std::string, double> change;
  Amount moved;
  for (const auto& flow : plan.all.flows) {
    CHECK(flow.from != flow.to);
    change[flow.from] -= flow.amount.v4;
    change[flow.to] += flow.amount.v4;
    moved += flow.amount;
  }
  CHECK(is_near(moved.v4, plan.all.moved.v4));
  CHECK(is_near(moved.v6, plan.all.moved.v6));
  Amount before;
  Amount after;
  for (const auto& datacenter : plan.datacenters) {
    before += datacenter.before;
    after += datacenter.after;
    CHECK(is_near(datacenter.before.v4 + change[datacenter.name], datacenter.after.v4));
  }
  CHECK(is_near(before.v4, plan.all.total.v4));
  CHECK(is_near(after.v6, plan.all.total.v6));
  Amount places;
  for (const auto& place : plan.places) places += place.moved;
  CHECK(is_near(places.v4, plan.all.moved.v4));  // fewer places than are listed
  CHECK(is_near(places.v6, plan.all.moved.v6));
}

void check_transposed(const Comparison& plan, const Comparison& back) {
  const auto there = flows_of(plan.all);
  const auto returned = flows_of(back.all);
  CHECK(there.size() == returned.size());
  for (const auto& [ends, amount] : there) {
    const auto found = returned.find({ends.second, ends.first});
    REQUIRE(found != returned.end());
    CHECK(is_near(found->second.v4, amount.v4));
    CHECK(is_near(found->second.v6, amount.v6));
  }
  CHECK(is_near(plan.all.unknown_moved.v4, back.all.unknown_moved.v4));
}

Options swapped(Options options) {
  std::swap(options.old_states, options.new_states);
  return options;
}

Options all_up() {
  Options options;
  options.old_states.resize(3);
  options.new_states.resize(3);
  return options;
}

/// IPv4 units that the server answers differently.
double moved_units(const compile::Compiled& old, const compile::Compiled& now, const Options& options,
                   bool with_subnet = true) {
  double moved = 0;
  for (const auto& [ends, amount] : brute_force(old, now, options, with_subnet)) moved += amount.v4 / 256;
  return moved;
}

/// Four standard deviations of that many draws.
double tolerance(const Movement& movement) { return 4 * 0.5 * std::sqrt(movement.total.v4 / 256) + 1; }

/// The same, where the plan draws as well: 16,384 times for each pair of tier lists.
double tolerance_of_both(const Movement& movement) {
  const double units = movement.total.v4 / 256;
  return 4 * 0.5 * std::sqrt(units + units * units / 16'384) + 1;
}

/// What queries without a client subnet do.
const Movement& without_subnet(const Comparison& plan) {
  return plan.all_without_subnet ? *plan.all_without_subnet : plan.all;
}

struct Round {
  Round(base::Random& random, const std::vector<std::string>& preferences)
      : old(random, preferences), now(random, preferences) {
    write_database(old.map, random);
    base::Random database(random.next());
    base::Random same = database;
    write_database(old.map, database);
    write_database(now.map, random.below(4) == 0 ? random : same);  // now and then another database
  }
  Half old;
  Half now;
};

}  // namespace

TEST_SUITE("plan/compare_property") {
  TEST_CASE("where every client has one datacenter, a plan is what every client would tell") {
    base::Random random(7);
    std::size_t flows_seen = 0;
    for (int round = 0; round < 12; ++round) {
      CAPTURE(round);
      const Round maps(random, {"prefer: [ams]", "prefer: [iad, sin]", "only: [sin, ams, iad]",
                                "prefer: nearest", "only: []", "prefer: [sin]"});
      const auto old = maps.old.map.must_compile();
      const auto now = maps.now.map.must_compile();
      Options options;
      const auto draw = [&] {
        const auto kind = random.below(8);
        return kind == 0 ? AssumedState{.health = 0} : kind == 1 ? AssumedState{.kept = 0} : AssumedState{};
      };
      options.old_states = {draw(), draw(), draw()};
      options.new_states = {draw(), draw(), draw()};
      const auto plan = compare(old, now, options);
      for (const bool with_subnet : {true, false}) {
        CAPTURE(with_subnet);
        const auto expected = brute_force(old, now, options, with_subnet);
        const auto told = flows_of(with_subnet ? plan.all : without_subnet(plan));
        CHECK(told.size() == expected.size());
        for (const auto& [ends, amount] : expected) {
          CAPTURE(ends.first);
          CAPTURE(ends.second);
          const auto found = told.find(ends);
          REQUIRE(found != told.end());
          CHECK(found->second.v4 == amount.v4);
          CHECK(found->second.v6 == amount.v6);
          ++flows_seen;
        }
      }
      check_sums(plan);
      check_transposed(plan, compare(now, old, swapped(options)));
    }
    CHECK(flows_seen > 40);  // the maps were not all alike
  }

  TEST_CASE("where two datacenters share clients, as many move as the plan says") {
    base::Random random(11);
    for (int round = 0; round < 10; ++round) {
      CAPTURE(round);
      const Round maps(random, {"prefer: [{ams: 70, iad: 30}]", "prefer: [{ams: 1, iad: 1}]",
                                "prefer: [{ams: 30, iad: 70}]", "prefer: [ams]"});
      const auto old = maps.old.map.must_compile();
      const auto now = maps.now.map.must_compile();
      const auto options = all_up();
      const auto plan = compare(old, now, options);
      CHECK(std::abs(moved_units(old, now, options) - plan.all.moved.v4 / 256) <= tolerance(plan.all));
      check_sums(plan);
      check_transposed(plan, compare(now, old, options));
    }
  }

  TEST_CASE("whatever the rules and the health, as many move as the plan says") {
    base::Random random(12);
    for (int round = 0; round < 12; ++round) {
      CAPTURE(round);
      const Round maps(random, {"prefer: [{ams: 70, iad: 30}]", "prefer: [{sin: 1, iad: 1}, ams]",
                                "prefer: nearest", "only: [{ams: 2, iad: 1, sin: 1}]"});
      const auto old = maps.old.map.must_compile();
      const auto now = maps.now.map.must_compile();
      Options options;
      const auto draw = [&] {
        constexpr steering::Share kHealths[] = {steering::kFull, steering::kFull, steering::kFull / 2, 0};
        constexpr steering::Share kKept[] = {steering::kFull, steering::kFull, steering::kFull / 10 * 7};
        return AssumedState{kHealths[random.below(4)], kKept[random.below(3)]};
      };
      options.old_states = {draw(), draw(), draw()};
      options.new_states = {draw(), draw(), draw()};
      const auto plan = compare(old, now, options);
      CHECK(std::abs(moved_units(old, now, options) - plan.all.moved.v4 / 256) <=
            tolerance_of_both(plan.all));
      const auto& resolvers = without_subnet(plan);
      CHECK(std::abs(moved_units(old, now, options, false) - resolvers.moved.v4 / 256) <=
            tolerance_of_both(resolvers));
      check_sums(plan);
      check_transposed(plan, compare(now, old, swapped(options)));
    }
  }

  TEST_CASE("half of a datacenter moves what the server would move") {
    base::Random random(13);
    for (int round = 0; round < 10; ++round) {
      CAPTURE(round);
      const Round maps(random, {"prefer: [ams, iad]", "prefer: [iad, sin]", "only: [sin, ams]"});
      const auto old = maps.old.map.must_compile();
      Options options;
      options.old_states.resize(3);
      options.new_states = {{.health = steering::kFull / 2}, {}, {.health = steering::kFull / 2}};
      const auto plan = compare(old, old, options);
      CHECK(std::abs(moved_units(old, old, options) - plan.all.moved.v4 / 256) <= tolerance(plan.all));
      CHECK(is_near(plan.all.moved.v4, compare(old, old, swapped(options)).all.moved.v4));
      check_sums(plan);
    }
  }
}

}  // namespace meridian::plan

// What must hold of choose() in every state of health, on random tiers and fleets. The shares that are
// compared with are computed here from the definition, not by the code under test.
#include "steering/choose.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace meridian::steering {
namespace {

constexpr std::size_t kDatacenters = 8;
constexpr Share kOver = kFull * 14 / 10;

struct Fleet {
  std::vector<Share> health = std::vector<Share>(kDatacenters, kFull);
  std::vector<bool> has_pool = std::vector<bool>(kDatacenters, true);

  Candidate operator()(base::DatacenterId datacenter) const {
    const auto index = base::index_of(datacenter);
    return {has_pool[index], has_pool[index] ? health[index] : 0, base::mix(index + 1)};
  }
};

DrawKey client(std::uint64_t number) { return DrawKey{base::mix(number * 7919)}; }

/// Tiers of at most `members_max` members over all datacenters in a random order.
std::vector<TierEntry> random_tiers(base::Random& random, std::uint32_t members_max) {
  std::vector<std::uint16_t> order;
  for (std::uint16_t i = 0; i < kDatacenters; ++i) order.push_back(i);
  for (std::size_t i = order.size() - 1; i > 0; --i)
    std::swap(order[i], order[random.below(static_cast<std::uint32_t>(i + 1))]);
  std::vector<TierEntry> tiers;
  std::uint32_t left = 0;
  std::uint16_t tier = 0;
  for (const auto index : order) {
    if (left == 0) {
      left = 1 + random.below(members_max);
      ++tier;
    }
    --left;
    const auto weight = static_cast<std::uint16_t>(1 + random.below(random.below(4) == 0 ? 65'535 : 100));
    tiers.push_back({base::DatacenterId{index}, tier, weight});
  }
  return tiers;
}

Share random_health(base::Random& random) {
  const auto kind = random.below(4);
  return kind == 0 ? 0 : kind == 1 ? kFull : random.below(kFull + 1);
}

Fleet random_fleet(base::Random& random) {
  Fleet fleet;
  for (std::size_t i = 0; i < kDatacenters; ++i) {
    fleet.health[i] = random_health(random);
    fleet.has_pool[i] = random.below(8) != 0;
  }
  return fleet;
}

/// The share of all clients that each datacenter gets: docs/steering.md, written down once more. Empty when
/// nothing is healthy.
std::vector<double> expected_shares(std::span<const TierEntry> tiers, const Fleet& fleet) {
  std::vector<double> shares(kDatacenters, 0);
  double looking = 1;
  std::vector<double> first;
  for (std::size_t begin = 0, end = 0; begin < tiers.size() && looking > 0; begin = end) {
    end = tier_end(tiers, begin);
    double weight = 0;
    double healthy = 0;
    std::vector<double> parts(kDatacenters, 0);
    for (const auto& entry : tiers.subspan(begin, end - begin)) {
      const auto index = base::index_of(entry.datacenter);
      if (!fleet.has_pool[index]) continue;
      weight += entry.weight;
      parts[index] = entry.weight * (static_cast<double>(fleet.health[index]) / kFull);
      healthy += parts[index];
    }
    if (healthy == 0) continue;
    for (auto& part : parts) part /= healthy;
    if (first.empty()) first = parts;
    const double kept = looking * std::min(1.0, static_cast<double>(kOver) / kFull * healthy / weight);
    for (std::size_t i = 0; i < kDatacenters; ++i) shares[i] += kept * parts[i];
    looking -= kept;
  }
  if (first.empty()) return {};
  for (std::size_t i = 0; i < kDatacenters; ++i) shares[i] += looking * first[i];
  return shares;
}

}  // namespace

TEST_SUITE("steering/choose_property") {
  TEST_CASE("shares sum to one, and clients get them in every state of health") {
    base::Random random(1);
    constexpr std::uint64_t kClients = 20'000;
    for (int round = 0; round < 120; ++round) {
      CAPTURE(round);
      const auto tiers = random_tiers(random, 4);
      const auto fleet = random_fleet(random);
      const auto expected = expected_shares(tiers, fleet);
      std::vector<double> got(kDatacenters, 0);
      for (std::uint64_t i = 0; i < kClients; ++i) {
        const auto choice =
            choose(tiers, kOver, client(i + kClients * static_cast<std::uint64_t>(round)), fleet);
        REQUIRE((choice.reason == Reason::AllDown || choice.reason == Reason::Nobody) == expected.empty());
        if (!expected.empty()) got[base::index_of(choice.datacenter)] += 1.0 / kClients;
      }
      if (expected.empty()) continue;
      double sum = 0;
      for (std::size_t i = 0; i < kDatacenters; ++i) {
        sum += expected[i];
        CAPTURE(i);
        // Five standard deviations, and what rounding may cost.
        const double bound = 5 * std::sqrt(expected[i] * (1 - std::min(1.0, expected[i])) / kClients) + 1e-4;
        REQUIRE(std::abs(got[i] - expected[i]) <= bound);
      }
      REQUIRE(sum == doctest::Approx(1));
    }
  }

  TEST_CASE("a rise in one pool's health never lowers its share") {
    base::Random random(2);
    for (int round = 0; round < 3'000; ++round) {
      const auto tiers = random_tiers(random, 4);
      auto fleet = random_fleet(random);
      const auto rising = random.below(kDatacenters);
      const auto before = expected_shares(tiers, fleet);
      fleet.health[rising] += random.below(kFull - fleet.health[rising] + 1);
      const auto after = expected_shares(tiers, fleet);
      if (before.empty()) continue;
      CAPTURE(round);
      REQUIRE(after[rising] >= before[rising] - 1e-12);
    }
  }

  TEST_CASE("no client of a pool whose health rises leaves it") {
    base::Random random(3);
    for (int round = 0; round < 300; ++round) {
      const auto tiers = random_tiers(random, 2);
      const auto before = random_fleet(random);
      auto after = before;
      const auto rising = random.below(kDatacenters);
      after.health[rising] += random.below(kFull - before.health[rising] + 1);
      for (std::uint64_t i = 0; i < 500; ++i) {
        const auto was = choose(tiers, kOver, client(i), before);
        if (was.reason == Reason::AllDown || was.reason == Reason::Nobody) break;
        if (base::index_of(was.datacenter) != rising) continue;
        CAPTURE(round);
        REQUIRE(choose(tiers, kOver, client(i), after).datacenter == was.datacenter);
      }
    }
  }

  TEST_CASE(
      "with tiers of one or two members only clients of a pool that falls move, and they return in reverse") {
    base::Random random(4);
    std::size_t moved = 0;
    for (int round = 0; round < 1'000; ++round) {
      const auto tiers = random_tiers(random, 2);
      const auto before = random_fleet(random);
      const auto falling = random.below(kDatacenters);
      auto half = before;
      half.health[falling] = random.below(before.health[falling] + 1);
      auto after = before;
      after.health[falling] = random.below(half.health[falling] + 1);
      for (std::uint64_t i = 0; i < 300; ++i) {
        const auto was = choose(tiers, kOver, client(i), before);
        const auto between = choose(tiers, kOver, client(i), half);
        const auto is = choose(tiers, kOver, client(i), after);
        if (was.reason == Reason::AllDown || is.reason == Reason::AllDown || is.reason == Reason::Nobody)
          break;
        CAPTURE(round);
        CAPTURE(i);
        if (was.datacenter == is.datacenter) {
          // Who is where it was never went anywhere in between.
          REQUIRE(between.datacenter == was.datacenter);
          continue;
        }
        ++moved;
        REQUIRE(base::index_of(was.datacenter) == falling);
        // Who left early stays away while it gets worse, at whatever of the others.
        REQUIRE((between.datacenter == was.datacenter || base::index_of(is.datacenter) != falling));
      }
    }
    CHECK(moved > 5'000);
  }

  TEST_CASE("with three members and more a fall moves few clients of the others") {
    // That none moves cannot be had together with the shares (docs/steering.md). With a draw of its own for
    // the tier, which does not look at who would go where, 30 % of those that move here are others' clients.
    base::Random random(5);
    std::size_t moved = 0;
    std::size_t collateral = 0;
    for (int round = 0; round < 1'000; ++round) {
      std::vector<TierEntry> tiers;
      for (std::uint16_t i = 0; i < kDatacenters; ++i) {
        const auto tier = static_cast<std::uint16_t>(i < 4 ? 0 : 1);
        tiers.push_back({base::DatacenterId{i}, tier, static_cast<std::uint16_t>(1 + random.below(100))});
      }
      auto before = Fleet{};
      for (std::size_t i = 0; i < 4; ++i) before.health[i] = random_health(random);
      const auto falling = random.below(4);
      auto after = before;
      after.health[falling] = random.below(before.health[falling] + 1);
      for (std::uint64_t i = 0; i < 300; ++i) {
        const auto was = choose(tiers, kOver, client(i), before);
        const auto is = choose(tiers, kOver, client(i), after);
        if (was.datacenter == is.datacenter) continue;
        ++moved;
        if (base::index_of(was.datacenter) != falling) ++collateral;
      }
    }
    CAPTURE(moved);
    CAPTURE(collateral);
    CHECK(moved > 5'000);
    CHECK(collateral * 6 < moved);
    MESSAGE("moved " << moved << ", of these from pools that did not fall " << collateral);
  }

  TEST_CASE("as long as a tier keeps everyone, a fall moves nobody of the others, however many members") {
    base::Random random(6);
    for (int round = 0; round < 500; ++round) {
      const auto tiers = random_tiers(random, 8);
      auto before = Fleet{};
      for (auto& health : before.health) health = kFull * 3 / 4 + random.below(kFull / 4);
      const auto falling = random.below(kDatacenters);
      auto after = before;
      after.health[falling] = kFull * 3 / 4 + random.below(before.health[falling] - kFull * 3 / 4 + 1);
      for (std::uint64_t i = 0; i < 200; ++i) {
        const auto was = choose(tiers, kOver, client(i), before);
        const auto is = choose(tiers, kOver, client(i), after);
        CAPTURE(round);
        if (was.datacenter != is.datacenter) REQUIRE(base::index_of(was.datacenter) == falling);
      }
    }
  }

  TEST_CASE("the same client gets the same from the same state, and a leaf whose clients differ says so") {
    base::Random random(7);
    for (int round = 0; round < 300; ++round) {
      const auto tiers = random_tiers(random, 4);
      const auto fleet = random_fleet(random);
      const auto first = choose(tiers, kOver, client(0), fleet);
      for (std::uint64_t i = 0; i < 200; ++i) {
        const auto choice = choose(tiers, kOver, client(i), fleet);
        const auto again = choose(tiers, kOver, client(i), fleet);
        CAPTURE(round);
        REQUIRE(again.datacenter == choice.datacenter);
        REQUIRE(choice.varies == first.varies);
        if (choice.datacenter != first.datacenter) REQUIRE(choice.varies);
      }
    }
  }
}

}  // namespace meridian::steering

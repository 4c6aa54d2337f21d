#include "steering/shares.hpp"

#include "base/random.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <map>
#include <vector>

namespace meridian::steering {
namespace {

constexpr base::DatacenterId kAms{0};
constexpr base::DatacenterId kFra{1};
constexpr base::DatacenterId kIad{2};
constexpr Share kOver = kFull * 14 / 10;

/// Health by datacenter; a negative value means "no pool there".
struct Fleet {
  std::array<double, 5> health{1, 1, 1, 1, 1};

  Candidate operator()(base::DatacenterId datacenter) const {
    const double value = health[base::index_of(datacenter)];
    if (value < 0) return {};
    return {true, static_cast<Share>(value * kFull), base::mix(base::index_of(datacenter) + 1)};
  }
};

std::vector<TierEntry> random_tiers(base::Random& random) {
  std::vector<TierEntry> tiers;
  std::uint16_t tier = 0;
  for (std::uint16_t i = 0; i < 5; ++i) {
    const auto weight = static_cast<std::uint16_t>(1 + random.below(9));
    tiers.push_back({static_cast<base::DatacenterId>(i), tier, weight});
    if (random.below(2) == 0) ++tier;
  }
  return tiers;
}

Fleet random_fleet(base::Random& random) {
  Fleet fleet;
  for (auto& health : fleet.health) {
    const auto drawn = random.below(6);
    health = drawn == 0 ? -1 : drawn == 1 ? 0 : drawn == 2 ? 1 : random.below(100) / 100.0;
  }
  return fleet;
}

}  // namespace

TEST_SUITE("steering/shares") {
  TEST_CASE("shares of plain cases are what the rules say") {
    const std::vector<TierEntry> plain{{kAms, 0, 1}, {kFra, 1, 1}, {kIad, 2, 1}};
    const std::vector<TierEntry> split{{kAms, 0, 70}, {kFra, 0, 30}, {kIad, 1, 1}};
    struct Row {
      const char* why;
      std::vector<TierEntry> tiers;
      Fleet fleet;
      std::vector<DatacenterShare> expected;
      bool all_down;
    };
    const Row rows[] = {
        {"all up: the first has them all", plain, {}, {{kAms, 1}}, false},
        {"no pool in the first", plain, {{-1, 1, 1}}, {{kFra, 1}}, false},
        {"the first is down", plain, {{0, 1, 1}}, {{kFra, 1}}, false},
        {"half of the first hands on three in ten", plain, {{0.5, 1, 1}}, {{kAms, 0.7}, {kFra, 0.3}}, false},
        {"a weighted tier", split, {}, {{kAms, 0.7}, {kFra, 0.3}}, false},
        {"one of a weighted tier is down", split, {{1, 0, 1}}, {{kAms, 0.98}, {kIad, 0.02}}, false},
        {"the last one standing serves all, sick as it is", plain, {{0.1, 0, 0}}, {{kAms, 1}}, false},
        {"all down: the first tier, as if it were up", split, {{0, 0, 0}}, {{kAms, 0.7}, {kFra, 0.3}}, true},
        {"nobody has a pool", plain, {{-1, -1, -1}}, {}, false},
        {"no tiers", {}, {}, {}, false},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto shares = share_out(std::span<const TierEntry>{row.tiers}, kOver, row.fleet);
      CHECK(shares.all_down == row.all_down);
      REQUIRE(shares.of.size() == row.expected.size());
      for (std::size_t i = 0; i < row.expected.size(); ++i) {
        CHECK(shares.of[i].datacenter == row.expected[i].datacenter);
        CHECK(shares.of[i].share == doctest::Approx(row.expected[i].share).epsilon(1e-4));
      }
    }
  }

  TEST_CASE("shares are the odds of choose, whatever the tiers and the health") {
    base::Random random(41);
    constexpr int kClients = 20'000;
    for (int round = 0; round < 40; ++round) {
      CAPTURE(round);
      const auto tiers = random_tiers(random);
      const auto fleet = random_fleet(random);
      std::map<base::DatacenterId, int> counts;
      std::size_t nobody = 0;
      for (int i = 0; i < kClients; ++i) {
        const auto choice = choose(std::span<const TierEntry>{tiers}, kOver, DrawKey{random.next()}, fleet);
        if (choice.reason == Reason::Nobody) {
          ++nobody;
        } else {
          ++counts[choice.datacenter];
        }
      }
      const auto shares = share_out(std::span<const TierEntry>{tiers}, kOver, fleet);
      if (shares.of.empty()) CHECK(nobody == kClients);
      double sum = 0;
      for (const auto& share : shares.of) {
        sum += share.share;
        const double expected = share.share * kClients;
        const double deviation = std::sqrt(expected * (1 - std::min(share.share, 1.0)));
        CHECK(std::abs(counts[share.datacenter] - expected) <= 5 * deviation + 2);
        counts.erase(share.datacenter);
      }
      CHECK(counts.empty());  // choose never takes what has no share
      if (!shares.of.empty()) CHECK(sum == doctest::Approx(1).epsilon(1e-12));
    }
  }
}

}  // namespace meridian::steering

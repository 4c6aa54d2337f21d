#include "steering/choose.hpp"

#include <doctest/doctest.h>

#include <array>
#include <span>
#include <vector>

namespace meridian::steering {
namespace {

constexpr base::DatacenterId kAms{0};
constexpr base::DatacenterId kFra{1};
constexpr base::DatacenterId kIad{2};
constexpr base::DatacenterId kSin{3};
constexpr Share kOver = kFull * 14 / 10;

/// Health by datacenter; a negative value means "no pool there".
struct Fleet {
  std::array<double, 4> health{1, 1, 1, 1};

  Candidate operator()(base::DatacenterId datacenter) const {
    const double value = health[base::index_of(datacenter)];
    if (value < 0) return {};
    return {true, static_cast<Share>(value * kFull), base::mix(base::index_of(datacenter) + 1)};
  }
};

const std::vector<TierEntry> kPlain{{kAms, 0, 1}, {kFra, 1, 1}, {kIad, 2, 1}, {kSin, 3, 1}};
const std::vector<TierEntry> kSplit{{kAms, 0, 70}, {kFra, 0, 30}, {kIad, 1, 1}, {kSin, 2, 1}};

DrawKey client(std::uint64_t number) { return DrawKey{base::mix(number * 7919)}; }

}  // namespace

TEST_SUITE("steering/choose") {
  TEST_CASE("where a client goes when shares are all or nothing") {
    struct Row {
      const char* why;
      std::vector<TierEntry> tiers;
      Fleet fleet;
      base::DatacenterId expected;
      Reason reason;
    };
    const Row rows[] = {
        {"all healthy: the first tier", kPlain, {}, kAms, Reason::Preferred},
        {"no pool in the first: the second is the preferred one",
         kPlain,
         {{-1, 1, 1, 1}},
         kFra,
         Reason::Preferred},
        {"the first is down", kPlain, {{0, 1, 1, 1}}, kFra, Reason::Fallback},
        {"the first two are down", kPlain, {{0, 0, 1, 1}}, kIad, Reason::Fallback},
        {"a third of the endpoints lost moves nobody", kPlain, {{0.72, 1, 1, 1}}, kAms, Reason::Preferred},
        {"everything is down: as if all were up", kPlain, {{0, 0, 0, 0}}, kAms, Reason::AllDown},
        {"down or absent everywhere", kPlain, {{-1, 0, 0, -1}}, kFra, Reason::AllDown},
        {"a single sick datacenter serves all", {{kAms, 0, 1}}, {{0.1, 1, 1, 1}}, kAms, Reason::Preferred},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      for (std::uint64_t i = 0; i < 50; ++i) {
        const auto choice = choose(row.tiers, kOver, client(i), row.fleet);
        REQUIRE(choice.datacenter == row.expected);
        REQUIRE(choice.reason == row.reason);
        REQUIRE_FALSE(choice.varies);
      }
    }
  }

  TEST_CASE("an empty list, or one without pools, is nobody") {
    CHECK(choose({}, kOver, client(1), Fleet{}).reason == Reason::Nobody);
    CHECK(choose(kPlain, kOver, client(1), Fleet{{-1, -1, -1, -1}}).reason == Reason::Nobody);
  }

  TEST_CASE("a tier keeps 1.4 times its health of the clients") {
    const Fleet half{{0.5, 1, 1, 1}};
    int stayed = 0;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
      const auto choice = choose(kPlain, kOver, client(i), half);
      REQUIRE(choice.varies);
      stayed += choice.datacenter == kAms ? 1 : 0;
      REQUIRE((choice.datacenter == kAms || choice.datacenter == kFra));
    }
    // 70 % within five standard deviations.
    CHECK(stayed > 13'675);
    CHECK(stayed < 14'325);
  }

  TEST_CASE("a weighted tier splits clients by weight, and says that they vary") {
    int ams = 0;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
      const auto choice = choose(kSplit, kOver, client(i), Fleet{});
      REQUIRE(choice.varies);
      REQUIRE(choice.reason == Reason::Preferred);
      ams += choice.datacenter == kAms ? 1 : 0;
    }
    CHECK(ams > 13'675);
    CHECK(ams < 14'325);
  }

  TEST_CASE("one member left of a weighted tier gives everybody the same") {
    const auto choice = choose(kSplit, kFull, client(1), Fleet{{1, 0, 0, 0}});
    CHECK(choice.datacenter == kAms);
    CHECK_FALSE(choice.varies);
  }

  TEST_CASE("whenever two clients of a leaf differ, the choice says that it varies") {
    base::Random random(5);
    for (int round = 0; round < 300; ++round) {
      Fleet fleet;
      for (auto& health : fleet.health) health = random.below(3) == 0 ? 0 : random.below(1'000) / 1'000.0;
      const auto& tiers = round % 2 == 0 ? kPlain : kSplit;
      const auto first = choose(tiers, kOver, client(0), fleet);
      for (std::uint64_t i = 1; i < 200; ++i) {
        const auto other = choose(tiers, kOver, client(i), fleet);
        REQUIRE(other.varies == first.varies);
        if (other.datacenter != first.datacenter) REQUIRE(first.varies);
      }
    }
  }

  TEST_CASE("half of the health of a lone tier is not half of an outage") {
    CHECK(choose(kPlain, kFull, client(3), Fleet{{0.5, 0, 0, 0}}).reason == Reason::Preferred);
  }
}

}  // namespace meridian::steering

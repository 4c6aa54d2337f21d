#include "plan/joint.hpp"

#include "base/random.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace meridian::plan {
namespace {

double part(const Joint& joint, std::uint32_t from, std::uint32_t to) {
  const auto found = joint.find({from, to});
  return found == joint.end() ? 0 : found->second;
}

/// Every map's rule for everyone, as one tier list each.
struct Lists {
  explicit Lists(const std::vector<std::string>& rules) {
    fixture.write_standard();
    std::string maps = "maps:\n";
    std::string services = "services:\n";
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const auto number = std::to_string(i);
      maps += "  m" + number + ": {rules: [{for: everyone, " + rules[i] + "}]}\n";
      services += "  s" + number + ".example.com: {map: m" + number +
                  ", pools: {ams: [192.0.2.1], iad: [192.0.2.2], sin: [192.0.2.3]}}\n";
    }
    fixture.write("regions.yaml", "regions: {}\n");
    fixture.write("maps.yaml", maps);
    fixture.write("services.yaml", services);
    compiled = fixture.must_compile();
  }

  /// With these states of ams, sin and iad, which is their order in the file.
  ShapeOdds odds(std::size_t map, const std::vector<AssumedState>& states, Ends& ends) const {
    for (std::size_t i = 0; i < compiled.snapshot->services.size(); ++i) {
      if (base::index_of(compiled.snapshot->services[i].map) == map)
        return {*compiled.snapshot, shapes_of(*compiled.snapshot, states)[i], ends};
    }
    return {*compiled.snapshot, {}, ends};
  }
  base::TiersId tiers(std::size_t map) const { return compiled.snapshot->maps[map].unknown; }

  test::MapFixture fixture{MERIDIAN_BINARY_DIR "/share/meridian"};
  compile::Compiled compiled;
};

/// As joint_of, by other draws.
Joint sample(const ShapeOdds& old, base::TiersId old_tiers, const ShapeOdds& now, base::TiersId new_tiers) {
  constexpr int kClients = 50'000;
  base::Random random(99);
  Joint joint;
  for (int i = 0; i < kClients; ++i) {
    const steering::DrawKey key{random.next()};
    joint[{old.end_of(old_tiers, key), now.end_of(new_tiers, key)}] += 1.0 / kClients;
  }
  return joint;
}

void check_margins(const Joint& joint, const EndShares& before, const EndShares& after) {
  std::map<std::uint32_t, double> from;
  std::map<std::uint32_t, double> to;
  for (const auto& [ends, share] : joint) {
    from[ends.first] += share;
    to[ends.second] += share;
  }
  for (const auto& share : before) CHECK(std::abs(from[share.end] - share.share) < 1e-9);
  for (const auto& share : after) CHECK(std::abs(to[share.end] - share.share) < 1e-9);
}

}  // namespace

TEST_SUITE("plan/joint") {
  TEST_CASE("the least that must move goes from those who lose to those who gain") {
    const auto joint = least_moved({{0, 0.7}, {1, 0.3}}, {{0, 0.5}, {1, 0.3}, {2, 0.2}});
    CHECK(part(joint, 0, 0) == doctest::Approx(0.5));
    CHECK(part(joint, 1, 1) == doctest::Approx(0.3));
    CHECK(part(joint, 0, 2) == doctest::Approx(0.2));
    CHECK(joint.size() == 3);
    CHECK(moved_part(joint) == doctest::Approx(0.2));
    CHECK(moved_part(least_moved({{4, 1}}, {{4, 1}})) == 0);
    CHECK(part(least_moved({{4, 1}}, {{5, 0.5}, {6, 0.5}}), 4, 6) == doctest::Approx(0.5));
  }

  TEST_CASE("a joint is what other draws of the server give, and its margins are the shares") {
    const Lists lists({"only: [{ams: 1, iad: 1, sin: 1}]", "prefer: [{ams: 70, iad: 30}]",
                       "prefer: [{sin: 3, ams: 1}, iad]", "prefer: [sin]", "only: [ams, {iad: 2, sin: 1}]"});
    base::Random random(5);
    for (int round = 0; round < 40; ++round) {
      CAPTURE(round);
      const auto state = [&] {
        constexpr steering::Share kHealths[] = {steering::kFull, steering::kFull / 2, steering::kFull / 3, 0};
        return AssumedState{kHealths[random.below(4)],
                            random.below(2) == 0 ? steering::kFull : steering::kFull / 4};
      };
      Ends ends;
      const auto old_map = random.below(5);
      const auto new_map = random.below(5);
      auto old = lists.odds(old_map, {state(), state(), state()}, ends);
      auto now = lists.odds(new_map, {state(), state(), state()}, ends);
      const auto joint = joint_of(old, lists.tiers(old_map), now, lists.tiers(new_map));
      check_margins(joint, old.of(lists.tiers(old_map)), now.of(lists.tiers(new_map)));
      // Five standard deviations of both counts together.
      for (const auto& [from_to, share] : sample(old, lists.tiers(old_map), now, lists.tiers(new_map))) {
        CHECK(std::abs(part(joint, from_to.first, from_to.second) - share) <=
              5 * std::sqrt(share * std::max(0.0, 1 - share) * (1.0 / 50'000 + 1.0 / 16'384)) + 2e-4);
      }
    }
  }

  TEST_CASE("what is alike on both sides moves nobody, however it is spread") {
    const Lists lists({"only: [{ams: 1, iad: 1, sin: 1}]"});
    const std::vector<AssumedState> sick{{.health = steering::kFull / 3}, {.kept = steering::kFull / 2}, {}};
    Ends ends;
    auto old = lists.odds(0, sick, ends);
    auto now = lists.odds(0, sick, ends);
    CHECK(old.draws_alike(lists.tiers(0), now, lists.tiers(0)));
    CHECK(moved_part(joint_of(old, lists.tiers(0), now, lists.tiers(0))) == 0);
    auto well = lists.odds(0, {}, ends);
    CHECK_FALSE(old.draws_alike(lists.tiers(0), well, lists.tiers(0)));
    CHECK(moved_part(joint_of(old, lists.tiers(0), well, lists.tiers(0))) > 0);
  }
}

}  // namespace meridian::plan

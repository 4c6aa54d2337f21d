#include "plan/joint.hpp"

#include "base/random.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace meridian::plan {
namespace {

/// Draws for each pair of tier lists: they count a part to 0.4 % of the pair's clients (one standard
/// deviation), and take some milliseconds.
constexpr std::size_t kDraws = 16'384;

/// The margins are fitted until no share is further off than rounding; a few rounds do it, and the limit
/// leaves an error below what the draws have.
constexpr double kFitTolerance = kShareTolerance / 100;
constexpr int kFitRoundsMax = 1'000;

/// What each end gains or loses, without what is rounding.
EndShares changes(const EndShares& before, const EndShares& after) {
  std::map<std::uint32_t, double> change;
  for (const auto& share : before) change[share.end] -= share.share;
  for (const auto& share : after) change[share.end] += share.share;
  EndShares found;
  for (const auto& [end, amount] : change) {
    if (std::abs(amount) > kShareTolerance) found.push_back({end, amount});
  }
  return found;
}

/// Scales the cells of each row, or of each column, to what they must sum to. The result is how far off they
/// were.
template <typename EndOf>
double scale(Joint& joint, const EndShares& wanted, const EndOf& end_of) {
  std::map<std::uint32_t, double> sums;
  for (const auto& [ends, part] : joint) sums[end_of(ends)] += part;
  std::map<std::uint32_t, double> factors;
  double off = 0;
  for (const auto& share : wanted) {
    const double sum = sums[share.end];
    factors[share.end] = sum > 0 ? share.share / sum : 0;
    off = std::max(off, std::abs(share.share - sum));
  }
  for (auto& [ends, part] : joint) part *= factors[end_of(ends)];
  return off;
}

/// Iterative proportional fitting: the joint nearest to what was counted that has exactly these margins.
void fit(Joint& joint, const EndShares& before, const EndShares& after) {
  const auto from = [](const Joint::key_type& ends) { return ends.first; };
  const auto to = [](const Joint::key_type& ends) { return ends.second; };
  for (int round = 0; round < kFitRoundsMax; ++round) {
    const double rows = scale(joint, before, from);
    const double columns = scale(joint, after, to);
    if (std::max(rows, columns) < kFitTolerance) return;
  }
}

Joint count_draws(ShapeOdds& old, base::TiersId old_tiers, ShapeOdds& now, base::TiersId new_tiers) {
  constexpr double kPart = 1.0 / kDraws;
  Joint joint;
  // The same draws in every plan, so that a plan says the same thing twice and a change back undoes it.
  base::Random random(1);
  for (std::size_t i = 0; i < kDraws; ++i) {
    const steering::DrawKey key{random.next()};
    joint[{old.end_of(old_tiers, key), now.end_of(new_tiers, key)}] += kPart;
  }
  return joint;
}

}  // namespace

Joint least_moved(const EndShares& before, const EndShares& after) {
  Joint joint;
  const auto change = changes(before, after);
  double moved = 0;
  for (const auto& end : change) moved += std::max(0.0, end.share);
  for (const auto& share : before) {
    const auto lost = std::find_if(change.begin(), change.end(), [&](const EndShare& end) {
      return end.end == share.end && end.share < 0;
    });
    const double stays = lost == change.end() ? share.share : share.share + lost->share;
    if (stays > 0) joint[{share.end, share.end}] = stays;
  }
  for (const auto& loser : change) {
    if (loser.share > 0) continue;
    for (const auto& gainer : change) {
      if (gainer.share > 0) joint[{loser.end, gainer.end}] = -loser.share * gainer.share / moved;
    }
  }
  return joint;
}

Joint joint_of(ShapeOdds& old, base::TiersId old_tiers, ShapeOdds& now, base::TiersId new_tiers) {
  const auto& before = old.of(old_tiers);
  const auto& after = now.of(new_tiers);
  const bool is_one_end = before.size() == 1 || after.size() == 1;
  const bool draws_by_client = old.shape().sticky && now.shape().sticky;
  if (is_one_end || !draws_by_client || old.draws_alike(old_tiers, now, new_tiers))
    return least_moved(before, after);
  auto joint = count_draws(old, old_tiers, now, new_tiers);
  // One draw's worth of what is possible for certain, so that no share is without a cell.
  for (const auto& [ends, part] : least_moved(before, after)) joint[ends] += part / kDraws;
  fit(joint, before, after);
  return joint;
}

double moved_part(const Joint& joint) noexcept {
  double moved = 0;
  for (const auto& [ends, part] : joint) {
    if (ends.first != ends.second) moved += part;
  }
  return moved;
}

}  // namespace meridian::plan

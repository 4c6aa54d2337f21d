#include "plan/movement.hpp"

#include <algorithm>
#include <set>

namespace meridian::plan {
namespace {

/// True when the loss of one datacenter that serves them would take these clients elsewhere than it would
/// have.
bool is_fallback_moved(const TiersPair& pair, ShapeOdds& old, ShapeOdds& now) {
  for (const auto& share : old.of(pair.old)) {
    if (distance(old.without(pair.old, share.end), now.without(pair.now, share.end)) > 0) return true;
  }
  return false;
}

bool is_larger(const Flow& left, const Flow& right, const Amount& total) {
  const auto weight = [&](const Amount& amount) {
    return part_of(amount.v4, total.v4) + part_of(amount.v6, total.v6) + part_of(amount.demand, total.demand);
  };
  return weight(left.amount) > weight(right.amount);
}

void add(EndAmounts& target, const EndAmounts& other, double part) {
  for (const auto& [end, amount] : other) target[end] += amount * part;
}

}  // namespace

void EndMovement::add(const EndMovement& other, double part) {
  total += other.total * part;
  moved += other.moved * part;
  unknown_moved += other.unknown_moved * part;
  fallback_moved += other.fallback_moved * part;
  plan::add(before, other.before, part);
  plan::add(after, other.after, part);
  for (const auto& [ends, amount] : other.flows) flows[ends] += amount * part;
}

Movement EndMovement::name(const Ends& ends) const {
  Movement movement{total, moved, unknown_moved, fallback_moved, {}};
  for (const auto& [end, amount] : flows) {
    if (!amount.is_zero()) movement.flows.push_back({ends.name(end.first), ends.name(end.second), amount});
  }
  std::stable_sort(movement.flows.begin(), movement.flows.end(),
                   [&](const Flow& left, const Flow& right) { return is_larger(left, right, total); });
  return movement;
}

EndMovement measure_movement(std::span<const TiersPair> pairs, ShapeOdds& old, ShapeOdds& now,
                             const Ends& ends, std::vector<Joint>& joints) {
  EndMovement movement;
  joints.assign(pairs.size(), {});
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& pair = pairs[i];
    const auto& before = old.of(pair.old);
    const auto& after = now.of(pair.now);
    movement.total += pair.known;
    for (const auto& share : before) movement.before[share.end] += pair.known * share.share;
    for (const auto& share : after) movement.after[share.end] += pair.known * share.share;
    movement.answered_before = movement.answered_before || ShapeOdds::is_answer(before, ends);
    movement.answers_after = movement.answers_after || ShapeOdds::is_answer(after, ends);
    const auto& joint = joints[i] = joint_of(old, pair.old, now, pair.now);
    const double moved = moved_part(joint);
    if (moved > 0) {
      movement.moved += pair.known * moved;
      movement.unknown_moved += pair.unknown * moved;
      for (const auto& [from_to, part] : joint) {
        if (from_to.first != from_to.second) movement.flows[from_to] += pair.known * part;
      }
    } else if (is_fallback_moved(pair, old, now)) {
      movement.fallback_moved += pair.known + pair.unknown;
    }
  }
  return movement;
}

}  // namespace meridian::plan

// What moves of services with equal shapes, from the pairs of tier lists that their clients had and get.
//
// Pure arithmetic over one MapPair; the walk is done.
#pragma once

#include "plan/amount.hpp"
#include "plan/compare.hpp"
#include "plan/joint.hpp"
#include "plan/map_pair.hpp"
#include "plan/odds.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace meridian::plan {

/// Amounts by end.
using EndAmounts = std::map<std::uint32_t, Amount>;
using EndFlows = std::map<std::pair<std::uint32_t, std::uint32_t>, Amount>;

/// A movement in numbers of ends, so that movements can be added.
struct EndMovement {
  Amount total;
  Amount moved;
  Amount unknown_moved;
  Amount fallback_moved;
  EndAmounts before;
  EndAmounts after;
  EndFlows flows;
  bool answered_before = false;  ///< somebody got an address
  bool answers_after = false;

  /// Adds `part` of another one; not its answers.
  void add(const EndMovement& other, double part);
  /// With names, the largest flows first.
  [[nodiscard]] Movement name(const Ends& ends) const;
};

/// `joints[i]` becomes where the clients of pairs[i] are and go.
[[nodiscard]] EndMovement measure_movement(std::span<const TiersPair> pairs, ShapeOdds& old, ShapeOdds& now,
                                           const Ends& ends, std::vector<Joint>& joints);

}  // namespace meridian::plan

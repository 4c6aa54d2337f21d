// Two compiled maps over one address space: how much of it has which tiers before and which after.
//
// The walk only sums the sizes of blocks; all that follows from a pair of tier lists is worked out once a
// pair. Slow and off line; one thread.
#pragma once

#include "base/ids.hpp"
#include "geo/geo_database.hpp"
#include "plan/amount.hpp"
#include "plan/demand.hpp"
#include "plan/lock_step.hpp"
#include "plan/overlay.hpp"
#include "plan/place_tally.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

namespace meridian::plan {

/// All clients that had the one tier list and get the other.
struct TiersPair {
  base::TiersId old{};
  base::TiersId now{};
  Amount known;    ///< of space that a database or a rule of either map knows; all the demand
  Amount unknown;  ///< of the rest; no demand
};

class MapPair {
 public:
  /// Walks both families. Maps, rules and `demand` (may be nullptr) must outlive the pair.
  MapPair(const MapView& old, const MapView& now, const Demand* demand);

  [[nodiscard]] std::span<const TiersPair> pairs() const noexcept { return pairs_; }

  /// What a walk meets: neither map, no database and none of the further trees changes in it.
  struct Block {
    std::size_t pair = 0;                    ///< index into pairs()
    std::span<const std::uint32_t> records;  ///< of the files of the map after, as the tallies want them
    std::span<const std::uint32_t> further;  ///< what the further trees hold
    Amount amount;                           ///< of known space; the demand also of unknown
  };
  /// Trees to be walked as well, by family.
  struct FurtherTrees {
    Trees v4;
    Trees v6;
  };

  /// Walks again, over all that has an amount and whose pair `is_wanted`.
  void visit(const std::function<bool(std::size_t pair)>& is_wanted, const FurtherTrees& further,
             const std::function<void(const Block&)>& visit_block) const;

  /// Gives each place its part of what moves: `parts[i]` of pairs()[i].
  void tally(std::span<const double> parts, PlaceTally& places) const;

 private:
  struct Layers;
  [[nodiscard]] std::uint64_t key_of(std::span<const std::uint32_t> values) const noexcept;
  [[nodiscard]] Amount amount_of_block(std::span<const std::uint32_t> values,
                                       const geo::TreeBlock& block) const noexcept;
  void sum(base::Family family);
  void visit(base::Family family, const std::function<bool(std::size_t)>& is_wanted, const Trees& further,
             const std::function<void(const Block&)>& visit_block) const;

  MapView old_;
  MapView now_;
  const Demand* demand_;
  std::vector<TiersPair> pairs_;
  std::unordered_map<std::uint64_t, std::uint32_t> index_;
};

}  // namespace meridian::plan

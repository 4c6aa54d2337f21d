// Which datacenters get more demand than they have capacity for: as things are, and with any single other one
// lost.
//
// Filled group by group of services, then asked. One thread.
#pragma once

#include "config/model.hpp"
#include "plan/compare.hpp"
#include "plan/map_pair.hpp"
#include "plan/odds.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace meridian::plan {

/// The loads of one side, before or after.
class Loads {
 public:
  /// `part` of the demand of these clients; `side` picks the tier list out of each pair.
  void add(std::span<const TiersPair> pairs, base::TiersId TiersPair::*side, ShapeOdds& odds, double part);

  /// Of `end`, with `lost` lost; the same end twice: while all are up.
  [[nodiscard]] double at(std::uint32_t end, std::uint32_t lost) const;
  [[nodiscard]] const std::map<std::uint32_t, double>& all_up() const noexcept { return all_up_; }

 private:
  std::map<std::uint32_t, double> all_up_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, double> change_;  // (lost, end): what its loss adds
};

/// Capacities by name, of the map before and of the map after. Sorted: all up first, then the worst.
[[nodiscard]] std::vector<Overload> find_overloads(const Loads& before, const Loads& after, Ends& ends,
                                                   const std::vector<config::Datacenter>& old_datacenters,
                                                   const std::vector<config::Datacenter>& new_datacenters);

}  // namespace meridian::plan

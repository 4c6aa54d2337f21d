// The maps of maps.yaml → two tries each, whose leaves are tier lists.
//
// The databases' trees, the rules' networks and the space that must not narrow anything are walked in
// lock-step; each combination of facts is decided once. Maps that look at nothing but the same databases are
// walked together: the blocks of one database are millions, and what differs between such maps is little.
// Used while compiling, never per query.
#pragma once

#include "config/compile/rule_index.hpp"
#include "config/compile/tier_order.hpp"
#include "geo/geo_database.hpp"
#include "query/snapshot.hpp"
#include "steering/tiers.hpp"

#include <span>
#include <vector>

namespace meridian::compile {

/// What one map is made of. All of it outlives the call.
struct MapParts {
  const RuleIndex* rules = nullptr;
  const RuleIndex* resolvers = nullptr;  ///< nullptr: the map has no such rules
  const TierOrder* order = nullptr;
  const geo::GeoDatabase* database = nullptr;
};

struct CompiledMap {
  query::SteeringMap map;
  /// By rule: it decides for some address, or for a client nothing is known of.
  std::vector<bool> rule_wins;
  std::vector<bool> resolver_rule_wins;  ///< the same for the rules for resolvers
};

/// One a part, in their order.
[[nodiscard]] std::vector<CompiledMap> compile_maps(std::span<const MapParts> parts,
                                                    steering::TierTableBuilder& tiers);

}  // namespace meridian::compile

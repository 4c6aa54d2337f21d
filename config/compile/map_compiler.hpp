// One map of maps.yaml → two tries whose leaves are tier lists.
//
// The databases' trees, the rules' networks and the space that must not narrow anything are walked in
// lock-step; each combination of facts is decided once. Used while compiling, never per query.
#pragma once

#include "config/compile/rule_index.hpp"
#include "config/compile/tier_order.hpp"
#include "geo/geo_database.hpp"
#include "query/snapshot.hpp"
#include "steering/tiers.hpp"

#include <vector>

namespace meridian::compile {

/// A rule's tiers for a place: the one function both the compiler and explain ask.
[[nodiscard]] std::vector<steering::TierEntry> tiers_of(const RuleIndex& rules, const TierOrder& order,
                                                        const Win& win, const geo::Place& place);

struct CompiledMap {
  query::SteeringMap map;
  /// By rule: it decides for some address, or for a client nothing is known of.
  std::vector<bool> rule_wins;
  std::vector<bool> resolver_rule_wins;  ///< the same for the rules for resolvers
};

/// `resolvers`: nullptr when the map has no such rules.
[[nodiscard]] CompiledMap compile_map(const RuleIndex& rules, const RuleIndex* resolvers,
                                      const TierOrder& order, const geo::GeoDatabase& database,
                                      steering::TierTableBuilder& tiers);

}  // namespace meridian::compile

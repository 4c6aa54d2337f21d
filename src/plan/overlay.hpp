// What a walk over compiled maps must know of a block besides their tiers: space that is never looked up as
// it is, and space that a rule names.
#pragma once

#include "config/compile/compile.hpp"
#include "geo/prefix_tree.hpp"
#include "query/snapshot.hpp"

#include <cstdint>
#include <span>

namespace meridian::plan {

/// Marks of a block, or-ed together.
enum OverlayMark : std::uint32_t {
  kCarrier = 1,     ///< IPv6 that carries IPv4 addresses: looked up as those
  kOldPrivate = 2,  ///< private space that nothing in the first map names: its clients get `unknown`
  kNewPrivate = 4,  ///< the same for the second map
  kNamed = 8,       ///< in a network that a rule of one of the maps names
};

/// One map as it was compiled, and how.
struct MapView {
  const query::SteeringMap* map = nullptr;
  const compile::MapRules* rules = nullptr;
  bool as_resolvers = false;  ///< clients are resolvers, whose own rules come first
};

/// The tiers of every address that is looked up, for resolvers: as a tree whose leaves are TiersIds, also in
/// private space.
[[nodiscard]] geo::PrefixTree resolver_tiers(base::Family family, const query::SteeringMap& map);

/// The marks of every address, as a tree. The same map twice where there is only one.
[[nodiscard]] geo::PrefixTree mark_overlay(base::Family family, const MapView& old, const MapView& now);

}  // namespace meridian::plan

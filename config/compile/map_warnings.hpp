// What is odd in a map that compiled: it can be served, but somebody meant something else.
//
// Off the hot path. Regions no rule uses are told by PlaceResolver, which knows who asked for them.
#pragma once

#include "base/diagnostics.hpp"
#include "config/compile/rule_index.hpp"
#include "config/model.hpp"
#include "geo/geo_database.hpp"
#include "geo/places.hpp"
#include "query/snapshot.hpp"

#include <vector>

namespace meridian::compile {

/// Rules that never win although addresses are known in their place: more specific rules claim all of them.
/// And networks of rules in which the databases know no country anywhere: most often a slip of the pen; those
/// of networks files come from others, and are not told. `rule_wins` is compile_map's.
void warn_of_odd_rules(const RuleIndex& rules, const geo::GeoDatabase& database,
                       const std::vector<bool>& rule_wins, const geo::Places& places,
                       base::Diagnostics& warnings);

/// Datacenters that stand in no tier of any map and behind no view.
void warn_of_unreachable_datacenters(const query::Snapshot& snapshot, const config::MapDirectory& model,
                                     base::Diagnostics& warnings);

}  // namespace meridian::compile

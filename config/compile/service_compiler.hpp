// Services, pools and endpoints of the model → the snapshot's tables, with their records rendered.
#pragma once

#include "base/diagnostics.hpp"
#include "config/compile/compile.hpp"
#include "config/load.hpp"
#include "query/snapshot.hpp"
#include "zone/zone_builder.hpp"

#include <vector>

namespace meridian::compile {

/// Fills services, pools, endpoints, records, checks and what they probe of `snapshot`; its datacenters must
/// be there already. `maps` by MapId, or empty when the rules are not known: then what they leave without a
/// pool is not looked for.
void compile_services(const config::LoadedMap& loaded, const config::MapDirectory& model,
                      const std::vector<MapRules>& maps, query::Snapshot& snapshot,
                      base::Diagnostics& diagnostics);

/// Warns of `cname` pools that lead to names which our own zones say do not exist.
void check_aliases(const config::MapDirectory& model, const zone::ZoneSet& zones,
                   base::Diagnostics& warnings);

/// Puts each service's name into the zone it lies in (builders in the order of model.zones).
void add_steered_names(const config::MapDirectory& model, std::vector<zone::ZoneBuilder>& builders,
                       base::Diagnostics& diagnostics);

}  // namespace meridian::compile

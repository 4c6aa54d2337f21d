// The expectations of a map with their names resolved: what src/plan proves. Whether they hold is not asked
// here.
//
// Built once a load from the model; immutable after. Used off line, never per query.
#pragma once

#include "base/diagnostics.hpp"
#include "base/ids.hpp"
#include "config/compile/place_set.hpp"
#include "config/load.hpp"
#include "config/model.hpp"
#include "zone/zone.hpp"

#include <vector>

namespace meridian::compile {

struct Expectation {
  const config::Expectation* written = nullptr;  ///< in the rulebook's model
  std::vector<Atom> atoms;                       ///< the clients: those in any of them
  bool asks_map = false;                         ///< `map`, else `service`
  base::MapId map{};
  base::ServiceId service = base::kNoService;
  std::vector<base::DatacenterId> first;
  std::vector<base::DatacenterId> never;
};

/// All but `service`, in the order of the model. Unknown names are errors.
[[nodiscard]] std::vector<Expectation> resolve_expectations(const config::LoadedMap& loaded,
                                                            const config::MapDirectory& model,
                                                            PlaceResolver& resolver,
                                                            base::Diagnostics& diagnostics);

/// Fills in `service` of those that ask for a name, as a query finds it: through CNAMEs and wildcards.
/// `zones_complete` false: a zone is missing, so a name that is not found is not told.
void find_asked_services(const zone::ZoneSet& zones, bool zones_complete, const config::MapDirectory& model,
                         std::vector<Expectation>& expectations, base::Diagnostics& diagnostics);

}  // namespace meridian::compile

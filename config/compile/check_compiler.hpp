// Checks of the model → what the snapshot says is probed: each check and address once, with all endpoints
// that the result is about.
#pragma once

#include "base/diagnostics.hpp"
#include "base/ids.hpp"
#include "config/load.hpp"
#include "config/model.hpp"
#include "query/snapshot.hpp"

#include <vector>

namespace meridian::compile {

/// A pool of a service itself, in use or not: neither a sorry page nor a view's copy.
struct OwnPool {
  const config::Service* service = nullptr;
  const config::Pool* pool = nullptr;
  base::PoolId id = base::kNoPool;
};

/// Fills checks and probe_targets of `snapshot`, whose services and `pools` must be there already. Warns of
/// services without a check, and of checks without a service.
void compile_checks(const config::LoadedMap& loaded, const config::MapDirectory& model,
                    const std::vector<OwnPool>& pools, query::Snapshot& snapshot,
                    base::Diagnostics& diagnostics);

}  // namespace meridian::compile

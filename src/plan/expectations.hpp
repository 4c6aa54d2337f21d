// Proves the expectations of a compiled map: over every leaf that meets the place, and for `never` with each
// single datacenter lost. Exact: the map's trie and the databases are walked in lock-step, nothing is
// sampled.
//
// The one proof that `check`, `plan`, the start of a server and its reloads ask. Slow and off line.
#pragma once

#include "base/diagnostics.hpp"
#include "config/compile/compile.hpp"
#include "query/snapshot.hpp"

namespace meridian::plan {

/// An error for each expectation that is broken, at its place in the file: the first networks, what they get,
/// which loss does it, and how much address space it is in all. A warning for one that is about nobody,
/// because no address is known to be in its place.
[[nodiscard]] base::Diagnostics prove_expectations(const query::Snapshot& snapshot,
                                                   const compile::Rulebook& rulebook);

}  // namespace meridian::plan

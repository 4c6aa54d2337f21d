// What overrides come to in the health table of an epoch, and what they leave of its services.
//
// Pure: works on the tables it is given.
#pragma once

#include "control/override.hpp"
#include "query/snapshot.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace meridian::control {

/// Writes what `overrides` come to, in place of what was written before: of several that shed the same, the
/// largest share counts; of several that force the same endpoint, the last. `is_active` chooses among them.
void write_overrides(std::span<const Override> overrides,
                     const std::function<bool(const Override&)>& is_active, const query::Snapshot& snapshot,
                     query::Tables& tables);

/// A service of which too little would be left.
struct Shortage {
  std::string service;
  double before = 0;  ///< query::serving_capacity without what operators take, 0 to 1
  double after = 0;
  double least = 0;  ///< min_serving_capacity
};

/// Services that lose capacity from `before` to `after` and then have less than their min_serving_capacity,
/// or nothing.
[[nodiscard]] std::vector<Shortage> find_shortages(const query::Snapshot& snapshot,
                                                   const query::Tables& before, const query::Tables& after);

/// Tables with the same states, and nothing of what operators want: to play overrides through.
[[nodiscard]] std::unique_ptr<query::Tables> copy_states(const query::Snapshot& snapshot,
                                                         const query::Tables& tables);

/// "www.example.com keeps 33% of its capacity (100% before), less than 40%; …", at most three services.
[[nodiscard]] std::string to_text(std::span<const Shortage> shortages);

}  // namespace meridian::control

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

/// The share of the service that serves, 0 to 1: the mean over its pools of what of each is up, less what is
/// shed. Weights of endpoints count inside a pool alone: between datacenters nobody made them comparable.
[[nodiscard]] double serving_capacity(const query::Service& service, const query::Snapshot& snapshot,
                                      const query::Tables& tables);

/// A service of which too little would be left.
struct Shortage {
  std::string service;
  double before = 0;
  double after = 0;
  double least = 0;  ///< that may be left
};

/// Services that lose capacity from `before` to `after` and then have less than `least`, or nothing.
[[nodiscard]] std::vector<Shortage> find_shortages(const query::Snapshot& snapshot,
                                                   const query::Tables& before, const query::Tables& after,
                                                   const std::function<double(const query::Service&)>& least);

/// Tables with the same states, and nothing of what operators want: to play overrides through.
[[nodiscard]] std::unique_ptr<query::Tables> copy_states(const query::Snapshot& snapshot,
                                                         const query::Tables& tables);

/// "www.example.com keeps 33% of its capacity (100% before), less than 40%; …", at most three services.
[[nodiscard]] std::string to_text(std::span<const Shortage> shortages);

}  // namespace meridian::control

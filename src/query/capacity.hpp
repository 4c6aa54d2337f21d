// How much of a service serves, and whether that is too little to carry its clients: then the service fails
// open, and every endpoint counts as healthy.
//
// One word and one sum for the server, for overrides and for plans. For those who write health (control/,
// tests), behind each change, and for those who play it through. Queries read the one word it leaves in the
// HealthTable. Any thread, one at a time.
#pragma once

#include "base/ids.hpp"
#include "health/health_table.hpp"
#include "query/snapshot.hpp"
#include "steering/spread.hpp"

#include <cstdint>

namespace meridian::query {

/// What operators take away from datacenters and pools: drains and sheds.
enum class Taken : std::uint8_t {
  Serves,     ///< it is well and comes back with a word: no reason to fail open
  IsMissing,  ///< it serves nobody: what an override leaves
};

/// The mean over the service's pools in use of `share_of(pool, id)`, the share of each that serves; rounded
/// up, so above 0 while anything serves. Weights count inside a pool alone: they say how its clients are
/// shared among its endpoints, and nobody made them comparable with those of another datacenter.
template <typename ShareOf>
[[nodiscard]] steering::Share capacity_of(const Snapshot& snapshot, const Service& service,
                                          const ShareOf& share_of) {
  std::uint64_t sum = 0;
  std::uint64_t pools = 0;
  for (const auto id : service.pools) {
    if (id == base::kNoPool) continue;
    sum += share_of(snapshot.pools[base::index_of(id)], id);
    ++pools;
  }
  return pools == 0 ? steering::kFull : static_cast<steering::Share>((sum + pools - 1) / pools);
}

/// The capacity of the service as its endpoints are. A pool below its at_least serves nobody, one that is
/// another name is always well. What endpoints ask for of their weight does not count, for they serve.
[[nodiscard]] steering::Share serving_capacity(const Snapshot& snapshot, const health::HealthTable& health,
                                               const Service& service, Taken taken = Taken::Serves) noexcept;

/// With so little the service fails open. With nothing at all it does not: on_all_down says what to answer
/// then.
[[nodiscard]] inline bool is_too_little(const Service& service, steering::Share capacity) noexcept {
  return capacity != 0 && capacity < service.min_capacity;
}

/// Writes into `tables` whether the service fails open.
void settle_capacity(const Snapshot& snapshot, Tables& tables, const Service& service) noexcept;
/// That of every service.
void settle_capacities(const Snapshot& snapshot, Tables& tables) noexcept;

}  // namespace meridian::query

// How much of a service is healthy, and whether that is too little to carry its clients: then the service
// fails open, and every endpoint counts as healthy.
//
// For those who write health (control/, tests), behind each change. Queries read the one word it leaves in
// the HealthTable. Any thread, one at a time.
#pragma once

#include "base/ids.hpp"
#include "health/health_table.hpp"
#include "query/snapshot.hpp"
#include "steering/spread.hpp"

namespace meridian::query {

/// Healthy weight ÷ all weight over the service's pools in use, above 0 while anything is healthy. What
/// datacenters shed does not count, for that is an operator's wish; nor what endpoints ask for, for they
/// serve.
[[nodiscard]] steering::Share serving_capacity(const Snapshot& snapshot, const health::HealthTable& health,
                                               const Service& service) noexcept;

/// Writes into `tables` whether the service fails open. With nothing healthy it does not: on_all_down says
/// what to answer then.
void settle_capacity(const Snapshot& snapshot, Tables& tables, const Service& service) noexcept;
/// That of every service.
void settle_capacities(const Snapshot& snapshot, Tables& tables) noexcept;

}  // namespace meridian::query

#include "query/capacity.hpp"

#include <algorithm>

namespace meridian::query {
namespace {

/// The share of the pool's weight whose endpoints serve, rounded up; 0 when that is less than the pool needs.
steering::Share serving_share(const Pool& pool, const Snapshot& snapshot,
                              const health::HealthTable& health) noexcept {
  if (pool.is_alias()) return steering::kFull;
  std::uint64_t serving = 0;
  for (const auto& range : {pool.v4, pool.v6}) {
    for (auto i = range.begin; i < range.end; ++i) {
      if (health.is_serving(base::EndpointId{i})) serving += snapshot.endpoints[i].weight;
    }
  }
  const std::uint64_t all = pool.total_weight;
  if (serving * steering::kFull / all < pool.at_least) return 0;  // as query::pool_health has it
  return static_cast<steering::Share>((serving * steering::kFull + all - 1) / all);
}

}  // namespace

steering::Share serving_capacity(const Snapshot& snapshot, const health::HealthTable& health,
                                 const Service& service, Taken taken) noexcept {
  return capacity_of(snapshot, service, [&](const Pool& pool, base::PoolId id) {
    const auto share = serving_share(pool, snapshot, health);
    if (taken == Taken::Serves) return share;
    return steering::reduced(share, std::min(health.kept(pool.datacenter), health.kept(id)));
  });
}

void settle_capacity(const Snapshot& snapshot, Tables& tables, const Service& service) noexcept {
  if (service.min_capacity == 0) return;
  const auto capacity = serving_capacity(snapshot, tables.health, service);
  tables.health.set_fails_open(service.id, is_too_little(service, capacity));
}

void settle_capacities(const Snapshot& snapshot, Tables& tables) noexcept {
  for (const auto& service : snapshot.services) settle_capacity(snapshot, tables, service);
}

}  // namespace meridian::query

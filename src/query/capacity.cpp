#include "query/capacity.hpp"

#include <algorithm>

namespace meridian::query {

steering::Share serving_capacity(const Snapshot& snapshot, const health::HealthTable& health,
                                 const Service& service) noexcept {
  std::uint64_t healthy = 0;
  std::uint64_t all = 0;
  for (const auto id : service.pools) {
    if (id == base::kNoPool) continue;
    const Pool& pool = snapshot.pools[base::index_of(id)];
    all += pool.total_weight;
    for (const auto& range : {pool.v4, pool.v6}) {
      for (auto i = range.begin; i < range.end; ++i) {
        if (health.is_serving(base::EndpointId{i})) healthy += snapshot.endpoints[i].weight;
      }
    }
  }
  if (healthy == all) return steering::kFull;
  const auto share = static_cast<steering::Share>(healthy * steering::kFull / all);
  return healthy == 0 ? 0 : std::max<steering::Share>(share, 1);
}

void settle_capacity(const Snapshot& snapshot, Tables& tables, const Service& service) noexcept {
  if (service.min_capacity == 0) return;
  const auto capacity = serving_capacity(snapshot, tables.health, service);
  tables.health.set_fails_open(service.id, capacity != 0 && capacity < service.min_capacity);
}

void settle_capacities(const Snapshot& snapshot, Tables& tables) noexcept {
  for (const auto& service : snapshot.services) settle_capacity(snapshot, tables, service);
}

}  // namespace meridian::query

#include "control/carry_health.hpp"

#include "query/capacity.hpp"

#include <cstdint>
#include <map>
#include <tuple>

namespace meridian::control {
namespace {

/// service, datacenter (hashes of their names), address
using Identity = std::tuple<std::uint64_t, std::uint64_t, base::IpAddress>;

/// Calls `visit(identity, endpoint)` for every endpoint of every service's own pools.
template <typename Visit>
void for_each_endpoint(const query::Snapshot& snapshot, Visit visit) {
  for (const auto& service : snapshot.services) {
    for (const auto id : service.pools) {
      if (id == base::kNoPool) continue;
      const auto& pool = snapshot.pools[base::index_of(id)];
      const auto datacenter = snapshot.datacenters[base::index_of(pool.datacenter)].key;
      for (const auto& range : {pool.v4, pool.v6}) {
        for (auto i = range.begin; i < range.end; ++i) {
          visit(Identity{service.key, datacenter, snapshot.endpoints[i].address},
                static_cast<base::EndpointId>(i));
        }
      }
    }
  }
}

}  // namespace

void carry_health(const query::Snapshot& last, const query::Tables& before, const query::Snapshot& next,
                  query::Tables& after) {
  using health::EndpointState;
  std::map<Identity, health::EndpointWord> known;
  for_each_endpoint(last, [&](const Identity& identity, base::EndpointId endpoint) {
    const auto word = before.health.word(endpoint);
    if (word.state != EndpointState::Unknown) known.emplace(identity, word);
  });
  if (known.empty()) return;
  for_each_endpoint(next, [&](const Identity& identity, base::EndpointId endpoint) {
    const auto found = known.find(identity);
    if (found != known.end()) after.health.set_word(endpoint, found->second);
  });
  query::settle_capacities(next, after);
}

}  // namespace meridian::control

#include "plan/assume.hpp"

#include "query/capacity.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace meridian::plan {
namespace {

/// Takes endpoints of a pool down, the last ones first, until at most `health` of its weight is up.
void limit_health(const query::Snapshot& snapshot, const query::Pool& pool, steering::Share health,
                  health::HealthTable& table) {
  std::uint64_t up = 0;
  for (const auto& range : {pool.v4, pool.v6}) {
    for (auto i = range.begin; i < range.end; ++i) {
      if (table.is_serving(base::EndpointId{i})) up += snapshot.endpoints[i].weight;
    }
  }
  for (const auto& range : {pool.v6, pool.v4}) {
    for (auto i = range.end;
         i > range.begin && up * steering::kFull > std::uint64_t{health} * pool.total_weight; --i) {
      const base::EndpointId endpoint{i - 1};
      if (!table.is_serving(endpoint)) continue;
      table.set_state(endpoint, health::EndpointState::Down);
      up -= snapshot.endpoints[i - 1].weight;
    }
  }
}

}  // namespace

base::Expected<std::unique_ptr<query::Tables>, std::string> assumed_tables(
    const query::Snapshot& snapshot, const query::Tables& tables, std::span<const Assumption> assumptions) {
  const auto states = assumed_states(snapshot, assumptions);
  if (!states) return base::unexpected(states.error());
  auto assumed = std::make_unique<query::Tables>(snapshot);
  for (std::uint32_t i = 0; i < snapshot.endpoints.size(); ++i) {
    const base::EndpointId endpoint{i};
    auto word = tables.health.word(endpoint);
    // What is forced counts as what is known, since an assumption has to win over it.
    if (word.forced != health::EndpointState::Unknown) word.state = word.forced;
    assumed->health.set_word(endpoint, word);
  }
  for (std::uint32_t i = 0; i < snapshot.pools.size(); ++i)
    assumed->health.set_kept(base::PoolId{i}, tables.health.kept(base::PoolId{i}));
  for (std::size_t i = 0; i < states->size(); ++i) {
    const auto datacenter = static_cast<base::DatacenterId>(i);
    const auto kept =
        static_cast<std::uint32_t>(std::uint64_t{health::kKeepsAll} * (*states)[i].kept / steering::kFull);
    assumed->health.set_kept(datacenter, std::min(kept, tables.health.kept(datacenter)));
  }
  const auto limit = [&](base::PoolId id) {
    if (id == base::kNoPool) return;
    const auto& pool = snapshot.pools[base::index_of(id)];
    limit_health(snapshot, pool, (*states)[base::index_of(pool.datacenter)].health, assumed->health);
  };
  for (const auto& service : snapshot.services) {
    std::for_each(service.pools.begin(), service.pools.end(), limit);
    limit(service.fixed_pool);
  }
  query::settle_capacities(snapshot, *assumed);
  return assumed;
}

base::Expected<std::vector<Assumption>, std::string> parse_assumptions(std::string_view text) {
  std::vector<Assumption> assumptions;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    auto one = parse_assumption(text.substr(0, comma));
    if (!one) return base::unexpected(one.error());
    assumptions.push_back(std::move(*one));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return assumptions;
}

}  // namespace meridian::plan

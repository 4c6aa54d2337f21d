#include "control/override_effect.hpp"

#include "health/health_table.hpp"
#include "query/capacity.hpp"
#include "query/decide.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::control {
namespace {

/// By the ids of one snapshot.
struct Effect {
  std::vector<steering::Share> datacenters;  ///< shed
  std::vector<steering::Share> pools;
  std::vector<std::optional<health::EndpointState>> endpoints;  ///< forced
};

void add(const Override& one, const query::Snapshot& snapshot, Effect& effect) {
  const auto matches = find_matches(one.target, snapshot);
  if (takes_clients(one.kind) && one.target.kind != OverrideTarget::Kind::Endpoint) {
    const auto shed = [&](steering::Share& share) { share = std::max(share, one.share); };
    for (const auto id : matches.datacenters) shed(effect.datacenters[base::index_of(id)]);
    for (const auto id : matches.pools) shed(effect.pools[base::index_of(id)]);
    return;
  }
  // A drained endpoint is one that is not answered, which is what down means.
  const auto state =
      one.kind == OverrideKind::ForceUp ? health::EndpointState::Up : health::EndpointState::Down;
  for (const auto id : matches.endpoints) effect.endpoints[base::index_of(id)] = state;
}

std::string percent(double share) { return fmt::format("{:.3g}%", share * 100); }

}  // namespace

void write_overrides(std::span<const Override> overrides,
                     const std::function<bool(const Override&)>& is_active, const query::Snapshot& snapshot,
                     query::Tables& tables) {
  Effect effect{.datacenters = std::vector<steering::Share>(snapshot.datacenters.size()),
                .pools = std::vector<steering::Share>(snapshot.pools.size()),
                .endpoints = decltype(Effect::endpoints)(snapshot.endpoints.size())};
  for (const auto& one : overrides) {
    if (is_active(one)) add(one, snapshot, effect);
  }
  auto& health = tables.health;
  for (std::size_t i = 0; i < effect.datacenters.size(); ++i)
    health.set_kept(static_cast<base::DatacenterId>(i), steering::kFull - effect.datacenters[i]);
  for (std::size_t i = 0; i < effect.pools.size(); ++i)
    health.set_kept(static_cast<base::PoolId>(i), steering::kFull - effect.pools[i]);
  for (std::size_t i = 0; i < effect.endpoints.size(); ++i)
    health.force(static_cast<base::EndpointId>(i), effect.endpoints[i]);
  query::settle_capacities(snapshot, tables);
}

double serving_capacity(const query::Service& service, const query::Snapshot& snapshot,
                        const query::Tables& tables) {
  std::size_t pools = 0;
  double serving = 0;
  for (std::size_t i = 0; i < service.pools.size(); ++i) {
    if (service.pools[i] == base::kNoPool) continue;
    const auto& pool = snapshot.pools[base::index_of(service.pools[i])];
    // What is up, also where so little is that the service fails open.
    const auto kept = std::min(tables.health.kept(pool.datacenter), tables.health.kept(service.pools[i]));
    ++pools;
    serving +=
        static_cast<double>(steering::reduced(query::pool_health(pool, snapshot, tables.health), kept)) /
        steering::kFull;
  }
  return pools == 0 ? 0 : serving / static_cast<double>(pools);
}

std::vector<Shortage> find_shortages(const query::Snapshot& snapshot, const query::Tables& before,
                                     const query::Tables& after,
                                     const std::function<double(const query::Service&)>& least) {
  std::vector<Shortage> shortages;
  for (const auto& service : snapshot.services) {
    if (service.fixed_pool != base::kNoPool) continue;
    const double had = serving_capacity(service, snapshot, before);
    const double has = serving_capacity(service, snapshot, after);
    const double wanted = least(service);
    if (has < had && (has < wanted || has <= 0)) shortages.push_back({service.name, had, has, wanted});
  }
  std::ranges::stable_sort(shortages, {}, &Shortage::after);
  return shortages;
}

std::unique_ptr<query::Tables> copy_states(const query::Snapshot& snapshot, const query::Tables& tables) {
  auto copy = std::make_unique<query::Tables>(snapshot);
  for (std::uint32_t i = 0; i < snapshot.endpoints.size(); ++i) {
    copy->health.set_state(base::EndpointId{i}, tables.health.state(base::EndpointId{i}));
  }
  return copy;
}

std::string to_text(std::span<const Shortage> shortages) {
  constexpr std::size_t kTold = 3;
  std::string text;
  for (const auto& [service, before, after, least] : shortages.first(std::min(shortages.size(), kTold))) {
    if (!text.empty()) text += "; ";
    text += fmt::format("{} keeps {} of its capacity ({} before), less than {}", service, percent(after),
                        percent(before), percent(least));
  }
  if (shortages.size() > kTold) text += fmt::format("; and {} more services", shortages.size() - kTold);
  return text;
}

}  // namespace meridian::control

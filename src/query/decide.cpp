#include "query/decide.hpp"

#include <algorithm>

namespace meridian::query {
namespace {

std::uint64_t healthy_weight(const EndpointRange& range, const Snapshot& snapshot,
                             const health::HealthTable& health) noexcept {
  std::uint64_t weight = 0;
  const Endpoint* const endpoints = snapshot.endpoints.data();  // a pool's ranges lie within
  for (std::uint32_t i = range.begin; i < range.end; ++i) {
    if (health.is_serving(base::EndpointId{i})) weight += endpoints[i].weight;
  }
  return weight;
}

/// Chooses a target of an alias pool. True: other clients of the same leaf get others.
bool decide_target(const Snapshot& snapshot, steering::DrawKey key, Decision& decision) noexcept {
  const Pool& pool = snapshot.pools.data()[base::index_of(decision.pool)];
  const Target* const targets = snapshot.targets.data();  // a pool's range lies within
  decision.target = pool.targets_begin;
  if (pool.targets_end - pool.targets_begin < 2) return false;
  steering::Ticket best;
  for (std::uint32_t i = pool.targets_begin; i < pool.targets_end; ++i) {
    const steering::Ticket ticket{targets[i].weight,
                                  steering::negative_log2(steering::draw(key, targets[i].key))};
    if (best.weight != 0 && !ticket.beats(best)) continue;
    best = ticket;
    decision.target = i;
  }
  return true;
}

/// A view of one datacenter: the same for every client.
Decision decide_view(const Snapshot& snapshot, const Tables& tables, const Service& service,
                     const base::IpAddress& source, base::Random& random) noexcept {
  const Pool& pool = snapshot.pools[base::index_of(service.fixed_pool)];
  Decision decision;
  decision.pool = service.fixed_pool;
  decision.client.address = source;
  decision.client.whose = Whose::Ignored;
  decision.choice.datacenter = pool.datacenter;
  // There is nowhere else to go, so a pool that is down is answered whole.
  decision.ignore_health = pool_health(pool, snapshot, tables.health) == 0;
  decision.choice.reason = decision.ignore_health ? steering::Reason::AllDown : steering::Reason::Preferred;
  if (pool.is_alias())
    decision.is_drawn = decide_target(snapshot, steering::DrawKey{random.next()}, decision);
  return decision;
}

void decide_all_down(const Service& service, const steering::Choice& choice, Decision& decision) noexcept {
  decision.ignore_health = true;
  switch (service.on_all_down) {
    case OnAllDown::AnswerAnyway:
      decision.pool = service.pools[base::index_of(choice.datacenter)];
      return;
    case OnAllDown::SorryPool:
      decision.pool = service.sorry_pool;
      return;
    case OnAllDown::NoData:
      decision.verdict = Verdict::NoData;
      return;
    case OnAllDown::ServFail:
      decision.verdict = Verdict::ServFail;
      return;
  }
}

}  // namespace

steering::Share pool_health(const Pool& pool, const Snapshot& snapshot,
                            const health::HealthTable& health) noexcept {
  if (pool.is_alias()) return steering::kFull;
  const std::uint64_t healthy =
      healthy_weight(pool.v4, snapshot, health) + healthy_weight(pool.v6, snapshot, health);
  if (healthy == pool.total_weight) return steering::kFull;
  const auto share = static_cast<steering::Share>(healthy * steering::kFull / pool.total_weight);
  return share < pool.at_least ? 0 : share;
}

steering::Candidate candidate_at(const Snapshot& snapshot, const Tables& tables, const Service& service,
                                 base::DatacenterId datacenter) noexcept {
  // Ids of one snapshot index its vectors: see Snapshot.
  const base::PoolId id = service.pools.data()[base::index_of(datacenter)];
  if (id == base::kNoPool) return {};
  const Pool& pool = snapshot.pools.data()[base::index_of(id)];
  const steering::Share health = pool_health(pool, snapshot, tables.health);
  const auto kept = std::min(tables.health.kept(datacenter), tables.health.kept(id));
  return {true, steering::reduced(health, kept), snapshot.datacenters.data()[base::index_of(datacenter)].key};
}

Decision decide(const Snapshot& snapshot, const Tables& tables, const Service& service,
                const base::IpAddress& source, const std::optional<base::IpPrefix>& client_subnet,
                base::Random& random) noexcept {
  if (service.fixed_pool != base::kNoPool) return decide_view(snapshot, tables, service, source, random);
  // Made where it stays: a copy would wait for what was just written.
  Decision decision{.client = locate(snapshot.maps[base::index_of(service.map)], service.use_client_subnet,
                                     source, client_subnet)};
  const std::uint64_t drawn = service.sticky ? unit_of(decision.client.address) : random.next();
  const steering::DrawKey key{base::mix(service.key + drawn)};
  decision.choice = steering::choose(
      snapshot.tiers.list(decision.client.tiers), service.overprovision, key,
      [&](base::DatacenterId datacenter) { return candidate_at(snapshot, tables, service, datacenter); });
  switch (decision.choice.reason) {
    case steering::Reason::Preferred:
    case steering::Reason::Fallback:
      decision.pool = service.pools[base::index_of(decision.choice.datacenter)];
      break;
    case steering::Reason::AllDown:
      decide_all_down(service, decision.choice, decision);
      break;
    case steering::Reason::Nobody:
      decision.verdict = Verdict::NoData;
      break;
  }
  decision.is_drawn = decision.choice.varies;
  if (decision.verdict == Verdict::Answer && snapshot.pools.data()[base::index_of(decision.pool)].is_alias())
    decision.is_drawn |= decide_target(snapshot, key, decision);
  decision.scope_bits = scope_bits(decision.client, service.sticky && decision.is_drawn);
  return decision;
}

Selection select_endpoints(const Snapshot& snapshot, const health::HealthTable& health, const Pool& pool,
                           const EndpointRange& range, bool ignore_health, std::size_t most,
                           base::Random& random) noexcept {
  std::array<std::uint32_t, base::limits::kPoolEndpointsMax> room;
  std::uint32_t* const eligible = room.data();  // a range is never longer
  const Endpoint* const endpoints = snapshot.endpoints.data();
  std::size_t eligible_count = 0;
  std::uint32_t weight_left = 0;
  for (std::uint32_t i = range.begin; i < range.end; ++i) {
    if (!ignore_health && !health.is_serving(base::EndpointId{i})) continue;
    eligible[eligible_count++] = i;
    weight_left += endpoints[i].weight;
  }
  Selection selection;
  if (eligible_count == 0) return selection;
  most = std::min({most, eligible_count, selection.endpoints.size()});
  if (eligible_count > 1) {
    const bool is_all = most == eligible_count && pool.equal_weights;
    selection.variation = is_all ? Variation::Rotated : Variation::Drawn;
  }
  if (pool.equal_weights) {
    std::size_t at = eligible_count == 1 ? 0 : random.below(static_cast<std::uint32_t>(eligible_count));
    std::uint32_t* const chosen = selection.endpoints.data();
    while (selection.count < most) {
      chosen[selection.count++] = eligible[at];
      at = at + 1 == eligible_count ? 0 : at + 1;
    }
    return selection;
  }
  while (selection.count < most) {
    std::uint32_t ticket = random.below(weight_left);
    std::size_t at = 0;
    while (ticket >= endpoints[eligible[at]].weight) ticket -= endpoints[eligible[at++]].weight;
    selection.endpoints[selection.count++] = eligible[at];
    weight_left -= endpoints[eligible[at]].weight;
    eligible[at] = eligible[--eligible_count];
  }
  return selection;
}

}  // namespace meridian::query

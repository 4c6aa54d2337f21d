#include "query/decide.hpp"

#include <algorithm>

namespace meridian::query {
namespace {

constexpr std::uint16_t kNoChange = 0xffff;

/// What a look at endpoints finds.
struct Reading {
  std::uint64_t healthy = 0;         ///< Σ weight × percent of the healthy ones
  std::uint16_t change = kNoChange;  ///< seconds to the earliest change, less one

  void add(const EndpointRange& range, const Snapshot& snapshot, const health::HealthTable& health) noexcept {
    const Endpoint* const endpoints = snapshot.endpoints.data();  // a pool's ranges lie within
    for (std::uint32_t i = range.begin; i < range.end; ++i) {
      const health::EndpointWord word = health.word(base::EndpointId{i});
      if (word.is_serving()) healthy += std::uint32_t{endpoints[i].weight} * word.weight_percent;
      // 0, no change, wraps around to kNoChange.
      change = std::min(change, static_cast<std::uint16_t>(word.change_in_s - 1));
    }
  }
};

Reading read_pool(const Pool& pool, const Snapshot& snapshot, const health::HealthTable& health) noexcept {
  Reading reading;
  reading.add(pool.v4, snapshot, health);
  reading.add(pool.v6, snapshot, health);
  return reading;
}

steering::Share health_of(const Pool& pool, const Reading& reading) noexcept {
  if (pool.is_alias()) return steering::kFull;
  const std::uint64_t all = std::uint64_t{pool.total_weight} * 100;
  if (reading.healthy == all) return steering::kFull;
  const auto share = static_cast<steering::Share>(reading.healthy * steering::kFull / all);
  return share < pool.at_least ? 0 : share;
}

/// What a service offers in its datacenters, and the next change of what was looked at on the way.
class Offers {
 public:
  Offers(const Snapshot& snapshot, const Tables& tables, const Service& service, bool fails_open) noexcept
      : snapshot_(snapshot), tables_(tables), service_(service), fails_open_(fails_open) {}

  steering::Candidate operator()(base::DatacenterId datacenter) noexcept {
    // Ids of one snapshot index its vectors: see Snapshot.
    const base::PoolId id = service_.pools.data()[base::index_of(datacenter)];
    if (id == base::kNoPool) return {};
    const Pool& pool = snapshot_.pools.data()[base::index_of(id)];
    const Reading reading = read_pool(pool, snapshot_, tables_.health);
    change_ = std::min(change_, reading.change);
    const steering::Share health = fails_open_ ? steering::kFull : health_of(pool, reading);
    const auto kept = kept_of(datacenter, id);
    is_kept_back_ |= kept != health::kKeepsAll;
    return {true, steering::reduced(health, kept),
            snapshot_.datacenters.data()[base::index_of(datacenter)].key};
  }

  /// The same, had operators kept nothing back.
  [[nodiscard]] steering::Candidate whole(base::DatacenterId datacenter) const noexcept {
    const base::PoolId id = service_.pools[base::index_of(datacenter)];
    if (id == base::kNoPool) return {};
    const Pool& pool = snapshot_.pools[base::index_of(id)];
    const auto health = fails_open_ ? steering::kFull : pool_health(pool, snapshot_, tables_.health);
    return {true, health, snapshot_.datacenters[base::index_of(datacenter)].key};
  }

  /// Operators keep something back of what was looked at.
  [[nodiscard]] bool is_kept_back() const noexcept { return is_kept_back_; }

  /// Why the client that would have `datacenter` does not.
  [[nodiscard]] MovedBy what_moves_from(base::DatacenterId datacenter) const noexcept {
    return kept_of(datacenter, service_.pools[base::index_of(datacenter)]) == 0 ? MovedBy::Drain
                                                                                : MovedBy::Shed;
  }

  /// As Decision::change_in_s has it.
  [[nodiscard]] std::uint16_t change_in_s() const noexcept { return static_cast<std::uint16_t>(change_ + 1); }

 private:
  const Snapshot& snapshot_;
  const Tables& tables_;
  const Service& service_;
  [[nodiscard]] std::uint32_t kept_of(base::DatacenterId datacenter, base::PoolId pool) const noexcept {
    return std::min(tables_.health.kept(datacenter), tables_.health.kept(pool));
  }

  bool fails_open_;
  bool is_kept_back_ = false;
  std::uint16_t change_ = kNoChange;
};

/// Asks where the client would go if operators kept nothing back; only where they do, since it costs as much
/// as the choice itself.
[[gnu::noinline]] MovedBy find_what_moves(const Offers& offers, const steering::Choice& choice,
                                          std::span<const steering::TierEntry> tiers,
                                          steering::Share overprovision, steering::DrawKey key) noexcept {
  if (choice.reason != steering::Reason::Preferred && choice.reason != steering::Reason::Fallback)
    return MovedBy::Nothing;
  const auto would = steering::choose(tiers, overprovision, key, [&](base::DatacenterId datacenter) noexcept {
    return offers.whole(datacenter);
  });
  return would.datacenter == choice.datacenter ? MovedBy::Nothing : offers.what_moves_from(would.datacenter);
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
  const Reading reading = read_pool(pool, snapshot, tables.health);
  decision.ignore_health = health_of(pool, reading) == 0;
  decision.change_in_s = static_cast<std::uint16_t>(reading.change + 1);
  decision.choice.reason = decision.ignore_health ? steering::Reason::AllDown : steering::Reason::Preferred;
  if (pool.is_alias())
    decision.is_drawn = decide_target(snapshot, steering::DrawKey{random.next()}, decision);
  return decision;
}

/// Where the client goes with everything healthy, and why that is so.
void mark_low_capacity(Decision& decision) noexcept {
  using steering::Reason;
  auto& reason = decision.choice.reason;
  if (reason != Reason::Preferred && reason != Reason::Fallback) return;  // all of it drained, or no pool
  reason = Reason::LowCapacity;
  decision.ignore_health = true;
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
  return health_of(pool, read_pool(pool, snapshot, health));
}

steering::Candidate candidate_at(const Snapshot& snapshot, const Tables& tables, const Service& service,
                                 base::DatacenterId datacenter) noexcept {
  return Offers(snapshot, tables, service, tables.health.fails_open(service.id))(datacenter);
}

Decision decide(const Snapshot& snapshot, const Tables& tables, const Service& service,
                const base::IpAddress& source, const std::optional<base::IpPrefix>& client_subnet,
                base::Random& random) noexcept {
  if (service.fixed_pool != base::kNoPool) return decide_view(snapshot, tables, service, source, random);
  // Made where it stays: a copy would wait for what was just written.
  Decision decision{.client = locate(snapshot.maps[base::index_of(service.map)], service.use_client_subnet,
                                     source, client_subnet ? &*client_subnet : nullptr)};
  const std::uint64_t drawn = service.sticky ? unit_of(decision.client.address) : random.next();
  const steering::DrawKey key{base::mix(service.key + drawn)};
  const bool fails_open = tables.health.fails_open(service.id);
  Offers offers(snapshot, tables, service, fails_open);
  decision.choice =
      steering::choose(snapshot.tiers.list(decision.client.tiers), service.overprovision, key,
                       [&](base::DatacenterId datacenter) noexcept { return offers(datacenter); });
  decision.change_in_s = offers.change_in_s();
  if (offers.is_kept_back()) {
    decision.moved_by = find_what_moves(offers, decision.choice, snapshot.tiers.list(decision.client.tiers),
                                        service.overprovision, key);
  }
  if (fails_open) mark_low_capacity(decision);
  switch (decision.choice.reason) {
    case steering::Reason::Preferred:
    case steering::Reason::Fallback:
    case steering::Reason::LowCapacity:
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

namespace {

/// Endpoints of one range that may be named, each with its weight. Up to one percent of a weight is told
/// apart.
struct Eligible {
  std::array<std::uint32_t, base::limits::kPoolEndpointsMax> room;  // a range is never longer
  std::array<std::uint32_t, base::limits::kPoolEndpointsMax> weights;
  std::size_t count = 0;
  std::uint32_t weight_left = 0;
  bool equal_weights = true;

  Eligible(const Snapshot& snapshot, const health::HealthTable& health, const EndpointRange& range,
           bool ignore_health) noexcept {
    const Endpoint* const endpoints = snapshot.endpoints.data();
    for (std::uint32_t i = range.begin; i < range.end; ++i) {
      const health::EndpointWord word =
          ignore_health ? health::EndpointWord{} : health.word(base::EndpointId{i});
      const std::uint32_t weight =
          word.is_serving() ? std::uint32_t{endpoints[i].weight} * word.weight_percent : 0;
      if (weight == 0) continue;
      equal_weights = equal_weights && (count == 0 || weight == weights.data()[0]);
      weights.data()[count] = weight;
      room.data()[count++] = i;
      weight_left += weight;  // 256 · 65,535 · 100 are below 2^32
    }
  }
};
static_assert(std::uint64_t{base::limits::kPoolEndpointsMax} * 65'535 * 100 < std::uint64_t{1} << 32);

}  // namespace

Selection select_endpoints(const Snapshot& snapshot, const health::HealthTable& health,
                           const EndpointRange& range, bool ignore_health, std::size_t most,
                           base::Random& random) noexcept {
  Eligible eligible(snapshot, health, range, ignore_health);
  Selection selection;
  if (eligible.count == 0) return selection;
  most = std::min({most, eligible.count, selection.endpoints.size()});
  if (eligible.count > 1) {
    const bool is_all = most == eligible.count && eligible.equal_weights;
    selection.variation = is_all ? Variation::Rotated : Variation::Drawn;
  }
  const std::uint32_t* const endpoints = eligible.room.data();
  if (eligible.equal_weights) {
    std::size_t at = eligible.count == 1 ? 0 : random.below(static_cast<std::uint32_t>(eligible.count));
    std::uint32_t* const chosen = selection.endpoints.data();
    while (selection.count < most) {
      chosen[selection.count++] = endpoints[at];
      at = at + 1 == eligible.count ? 0 : at + 1;
    }
    return selection;
  }
  while (selection.count < most) {
    std::uint32_t ticket = random.below(eligible.weight_left);
    std::size_t at = 0;
    while (ticket >= eligible.weights[at]) ticket -= eligible.weights[at++];
    selection.endpoints[selection.count++] = endpoints[at];
    eligible.weight_left -= eligible.weights[at];
    --eligible.count;
    eligible.room[at] = endpoints[eligible.count];
    eligible.weights[at] = eligible.weights[eligible.count];
  }
  return selection;
}

}  // namespace meridian::query

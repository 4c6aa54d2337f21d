// From tiers and health to one datacenter: health-weighted fallback between tiers, weighted rendezvous inside
// one.
//
// Pure functions over values: no tables, no clock. HOT. Envoy's priority levels are the model for the
// fallback: a tier keeps min(1, overprovision × health) of the clients that reach it and hands the rest on.
#pragma once

#include "base/ids.hpp"
#include "steering/spread.hpp"
#include "steering/tiers.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

namespace meridian::steering {

/// What one datacenter offers the service that is asked for.
struct Candidate {
  bool has_pool = false;  ///< false: the service does not run there, or its pool is configured but not in use
  Share health = 0;       ///< healthy weight ÷ all weight, drain and shed included
  std::uint64_t key = 0;  ///< stable hash of the datacenter's name: the same at every PoP
};

enum class Reason : std::uint8_t {
  Preferred,    ///< the first tier in which the service has a pool
  Fallback,     ///< a later tier, because earlier ones are unhealthy
  AllDown,      ///< nothing is healthy
  LowCapacity,  ///< too little of the service is healthy, so all of it counts as healthy (query/capacity.hpp)
  Nobody,       ///< no tier has a pool of this service for this place (`only: []`)
};

struct Choice {
  Reason reason = Reason::Nobody;
  base::DatacenterId
      datacenter{};  ///< Not for Nobody. For AllDown: where the client would go if all were healthy.
  std::uint16_t tier = 0;
  bool varies =
      false;  ///< Another client unit of the same leaf may get another datacenter: the scope must say so.
};

/// One tier's members weighed against their health.
struct TierWeight {
  std::uint64_t weight = 0;     ///< Σ w of members with a pool
  std::uint64_t healthy = 0;    ///< Σ w·h, in units of 1/kFull
  std::uint32_t members = 0;    ///< members with a pool
  std::uint32_t sharing = 0;    ///< members with w·h > 0
  std::uint64_t key = 0;        ///< of the first member with a pool
  base::DatacenterId sharer{};  ///< one of those that share; the one where `sharing` is 1

  /// min(1, overprovision × H) of the clients still looking; overprovision in units of 1/kFull.
  [[nodiscard]] constexpr Fraction share(Share overprovision) const noexcept {
    if (healthy == 0) return 0;
    // healthy ≤ 2^16 · 2^16 · 2^10 entries, overprovision < 2^20: below 2^62. A full tier is the usual one,
    // and needs no division.
    const std::uint64_t wanted = healthy * overprovision;
    if (wanted >= weight * kFull * kFull) return kWhole;
    const std::uint64_t share = wanted / weight >> (32 - kFractionBits);
    // A healthy member always keeps a sliver, so that rounding never empties a tier.
    return static_cast<Fraction>(std::clamp<std::uint64_t>(share, 1, kWhole));
  }
};

template <typename CandidateOf>
[[nodiscard]] TierWeight weigh(std::span<const TierEntry> members, const CandidateOf& candidate_of) noexcept {
  TierWeight total;
  for (const auto& member : members) {
    const Candidate candidate = candidate_of(member.datacenter);
    if (!candidate.has_pool) continue;
    if (total.members++ == 0) total.key = candidate.key;
    total.weight += member.weight;
    total.healthy += static_cast<std::uint64_t>(member.weight) * candidate.health;
    if (candidate.health == 0) continue;
    ++total.sharing;
    total.sharer = member.datacenter;
  }
  return total;
}

/// Who of a tier a client would go to, and what decides whether the tier keeps it.
struct Pick {
  base::DatacenterId datacenter{};
  Ticket ticket;            ///< of the winner
  std::uint64_t costs = 0;  ///< Σ of the costs of all members with a pool, healthy or not
};

/// Weighted rendezvous among the members of one tier; at least one must have w·h > 0.
template <typename CandidateOf>
[[nodiscard]] Pick pick_member(std::span<const TierEntry> members, DrawKey key,
                               const CandidateOf& candidate_of) noexcept {
  Pick pick;
  for (const auto& member : members) {
    const Candidate candidate = candidate_of(member.datacenter);
    if (!candidate.has_pool) continue;
    const std::uint64_t weight = static_cast<std::uint64_t>(member.weight) * candidate.health;  // ≤ 2^32
    const Ticket ticket{weight, negative_log2(draw(key, ~candidate.key))};
    pick.costs += ticket.cost;
    if (weight == 0) continue;
    if (pick.ticket.weight == 0 || ticket.beats(pick.ticket)) {
      pick.ticket = ticket;
      pick.datacenter = member.datacenter;
    }
  }
  return pick;
}

/// True when the tier keeps the client that `pick` is about, which it does for `share` of all clients,
/// whatever member they would go to.
///
/// Among several members no draw of its own decides, because it would hand on clients of members that are
/// well. The costs of the rendezvous are exponential and independent, so cost ÷ Σ costs are the gaps between
/// even points on a line, and the least weighted gap is below r for 1 − (1 − r)^(members − 1) of the clients.
/// With two members each one's gap is all that counts: it loses its own clients only. docs/steering.md has
/// the argument.
[[nodiscard]] bool keeps(const TierWeight& total, const Pick& pick, Fraction share, DrawKey key) noexcept;

/// The end of the tier that starts at `begin`.
[[nodiscard]] constexpr std::size_t tier_end(std::span<const TierEntry> tiers, std::size_t begin) noexcept {
  std::size_t end = begin + 1;
  while (end < tiers.size() && tiers[end].tier == tiers[begin].tier) ++end;
  return end;
}

/// Chooses the datacenter of one client unit. `candidate_of(DatacenterId)` gives a Candidate.
///
/// A client that no tier kept goes to the first tier with any health: what is left of the fleet serves
/// everyone, and AllDown means that nothing at all is healthy.
template <typename CandidateOf>
[[nodiscard]] Choice choose(std::span<const TierEntry> tiers, Share overprovision, DrawKey key,
                            const CandidateOf& candidate_of) noexcept {
  Choice choice;
  bool is_kept = false;
  std::span<const TierEntry> first_healthy;
  std::span<const TierEntry> first_with_pool;
  std::uint32_t sharing = 0;
  for (std::size_t begin = 0, end = 0; begin < tiers.size(); begin = end) {
    end = tier_end(tiers, begin);
    const auto members = tiers.subspan(begin, end - begin);
    const TierWeight total = weigh(members, candidate_of);
    if (total.weight == 0) continue;
    if (first_with_pool.empty()) first_with_pool = members;
    const Fraction share = total.share(overprovision);
    if (share == 0) continue;
    if (first_healthy.empty()) first_healthy = members;
    sharing += total.sharing;
    if (!is_kept) {
      // Most tiers are one healthy member and need no draw.
      const bool is_clear = total.sharing == 1 && (share == kWhole || total.members == 1);
      const Pick pick = is_clear ? Pick{total.sharer, {}, 0} : pick_member(members, key, candidate_of);
      is_kept = share == kWhole || keeps(total, pick, share, key);
      if (is_kept || members.data() == first_healthy.data()) {
        choice.datacenter = pick.datacenter;
        choice.tier = members[0].tier;
      }
    }
    if (share == kWhole) break;
  }
  if (first_with_pool.empty()) return choice;
  if (first_healthy.empty()) {
    const auto as_if_healthy = [&](base::DatacenterId datacenter) {
      Candidate candidate = candidate_of(datacenter);
      candidate.health = kFull;
      return candidate;
    };
    choice.reason = Reason::AllDown;
    choice.tier = first_with_pool[0].tier;
    choice.varies = weigh(first_with_pool, as_if_healthy).sharing > 1;
    choice.datacenter = pick_member(first_with_pool, key, as_if_healthy).datacenter;
    return choice;
  }
  choice.reason = choice.tier == first_with_pool[0].tier ? Reason::Preferred : Reason::Fallback;
  choice.varies = sharing > 1;
  return choice;
}

}  // namespace meridian::steering

// The odds of choose(): which share of the client units each datacenter gets, without drawing for any of
// them.
//
// Pure functions over values, for tools that reason about all clients at once (src/plan). Not HOT: it
// allocates. A test holds it against choose() over many draws.
#pragma once

#include "steering/choose.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace meridian::steering {

struct DatacenterShare {
  base::DatacenterId datacenter{};
  double share = 0;  ///< above 0, at most 1

  friend bool operator==(const DatacenterShare&, const DatacenterShare&) = default;
};

/// What the clients of one leaf get.
struct Shares {
  bool all_down = false;            ///< nothing is healthy: on_all_down has the last word
  std::vector<DatacenterShare> of;  ///< by datacenter; they sum to 1. Empty: nobody serves them

  friend bool operator==(const Shares&, const Shares&) = default;
};

/// Adds `part` of the clients to the members of one tier, in proportion to weight × health.
template <typename CandidateOf>
void add_members(std::span<const TierEntry> members, double part, const CandidateOf& candidate_of,
                 std::vector<DatacenterShare>& shares) {
  const auto healthy = static_cast<double>(weigh(members, candidate_of).healthy);
  for (const auto& member : members) {
    const Candidate candidate = candidate_of(member.datacenter);
    if (!candidate.has_pool || candidate.health == 0) continue;
    const double share = part * static_cast<double>(member.weight) * candidate.health / healthy;
    const auto known = std::find_if(shares.begin(), shares.end(), [&](const DatacenterShare& other) {
      return other.datacenter == member.datacenter;
    });
    if (known != shares.end()) {
      known->share += share;
    } else {
      shares.push_back({member.datacenter, share});
    }
  }
}

/// The shares that choose() gives over all client units. Takes what choose() takes, but for who draws.
///
/// Which member of a tier a client would go to says nothing about whether the tier keeps it
/// (docs/steering.md), so what a tier keeps, and what comes back to it because no tier kept it, is shared as
/// weight × health says.
template <typename CandidateOf>
[[nodiscard]] Shares share_out(std::span<const TierEntry> tiers, Share overprovision,
                               const CandidateOf& candidate_of) {
  Shares shares;
  std::span<const TierEntry> first_healthy;
  std::span<const TierEntry> first_with_pool;
  double looking = 1;  // the part of the clients that no tier has kept yet
  for (std::size_t begin = 0, end = 0; begin < tiers.size() && looking > 0; begin = end) {
    end = tier_end(tiers, begin);
    const auto members = tiers.subspan(begin, end - begin);
    const TierWeight total = weigh(members, candidate_of);
    if (total.weight == 0) continue;
    if (first_with_pool.empty()) first_with_pool = members;
    const Fraction share = total.share(overprovision);
    if (share == 0) continue;
    if (first_healthy.empty()) first_healthy = members;
    const double kept = looking * share / kWhole;
    add_members(members, kept, candidate_of, shares.of);
    looking = share == kWhole ? 0 : looking - kept;
  }
  if (!first_healthy.empty()) {
    if (looking > 0) add_members(first_healthy, looking, candidate_of, shares.of);
  } else if (!first_with_pool.empty()) {
    shares.all_down = true;
    const auto as_if_healthy = [&](base::DatacenterId datacenter) {
      Candidate candidate = candidate_of(datacenter);
      candidate.health = kFull;
      return candidate;
    };
    add_members(first_with_pool, 1, as_if_healthy, shares.of);
  }
  std::sort(shares.of.begin(), shares.of.end(),
            [](const auto& left, const auto& right) { return left.datacenter < right.datacenter; });
  return shares;
}

}  // namespace meridian::steering

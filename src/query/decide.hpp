// One steered query → which pool, which addresses, which scope: the part of an answer that depends on the
// client.
//
// Called by answer_query and by explain, so that what is told is what is served. HOT: no allocation, no lock;
// each health word is read once a decision.
#pragma once

#include "base/ids.hpp"
#include "base/random.hpp"
#include "query/locate.hpp"
#include "query/snapshot.hpp"
#include "query/summary.hpp"
#include "steering/choose.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace meridian::query {

enum class Verdict : std::uint8_t { Answer, NoData, ServFail };

struct Decision {
  Verdict verdict = Verdict::Answer;
  Client client = {};
  steering::Choice choice = {};
  base::PoolId pool = base::kNoPool;  ///< Verdict::Answer: take the addresses from here
  bool ignore_health = false;         ///< every endpoint of `pool` may be named (fail-open, sorry page)
  std::uint32_t target = 0;           ///< in Snapshot::targets, when `pool` is an alias
  std::uint8_t scope_bits = 0;        ///< for the client subnet option of the reply, whatever the verdict
  /// Seconds until what was looked at can change at the earliest; 0: no change is near.
  std::uint16_t change_in_s = 0;
  bool is_drawn = false;  ///< another client in the same tiers may get another pool or target
  MovedBy moved_by = MovedBy::Nothing;
};

/// Decides for one client. `random` is drawn from only where the service spreads randomly.
[[nodiscard]] Decision decide(const Snapshot& snapshot, const Tables& tables, const Service& service,
                              const base::IpAddress& source,
                              const std::optional<base::IpPrefix>& client_subnet,
                              base::Random& random) noexcept;

/// Healthy endpoint weight ÷ all endpoint weight; 0 below the pool's at_least. An alias is always well:
/// nothing is known of what it leads to.
[[nodiscard]] steering::Share pool_health(const Pool& pool, const Snapshot& snapshot,
                                          const health::HealthTable& health) noexcept;

/// The TTL of an answer: the service's, but while something is about to change no longer than until then.
[[nodiscard]] constexpr std::uint32_t ttl_of(const Service& service, const Decision& decision) noexcept {
  if (decision.change_in_s == 0 || decision.change_in_s >= service.ttl_s) return service.ttl_s;
  return std::max<std::uint32_t>(decision.change_in_s, service.ttl_min_s);
}

/// What the service offers in one datacenter, as steering::choose asks for it: its pool's health, less what
/// the datacenter is to shed.
[[nodiscard]] steering::Candidate candidate_at(const Snapshot& snapshot, const Tables& tables,
                                               const Service& service,
                                               base::DatacenterId datacenter) noexcept;

/// Positions in Snapshot::endpoints, in the order to answer them.
struct Selection {
  std::array<std::uint32_t, base::limits::kAnswerAddressesMax> endpoints;
  std::size_t count = 0;
  Variation variation = Variation::None;
};

/// At most `most` endpoints of `range`, drawn by weight without replacement (with equal weights: neighbours
/// from a random start on). Healthy ones, each with what it asks for of its weight; or, to `ignore_health`,
/// all of them as they are configured.
[[nodiscard]] Selection select_endpoints(const Snapshot& snapshot, const health::HealthTable& health,
                                         const EndpointRange& range, bool ignore_health, std::size_t most,
                                         base::Random& random) noexcept;

}  // namespace meridian::query

// Response rate limiting: how many answers of one kind a client network gets over UDP, so that a forged
// source address makes us no amplifier. As BIND and Knot understand it (Vixie, Schryver: "DNS Response Rate
// Limiting", ISC-TN-2012-1).
//
// Decides after the answer is written, because what it is decides. HOT: nothing here allocates, locks,
// throws or logs; with limits off it costs one branch.
#pragma once

#include "base/ip.hpp"
#include "geo/prefix_tree.hpp"
#include "query/summary.hpp"
#include "rate/rate_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace meridian::query {

struct Snapshot;
struct Source;
struct Tables;
struct Worker;

/// What is counted apart for each client network.
enum class RateClass : std::uint8_t {
  Responses,  ///< per name and type; a wildcard counts as one name
  NoData,     ///< per zone
  NxDomain,   ///< per zone
  Referrals,  ///< per delegation
  Errors,     ///< REFUSED, SERVFAIL, FORMERR and the like, all together
};
inline constexpr std::size_t kRateClassCount = 5;

/// The site file's `rate_limit`.
struct RateLimits {
  bool enabled = false;
  bool log_only = false;      ///< count, and answer all the same
  std::uint8_t v4_bits = 24;  ///< what one client network is
  std::uint8_t v6_bits = 56;  ///< at most 64
  std::uint32_t slip = 2;     ///< one in so many over the limit is answered truncated; 0: none
  std::size_t entries = 0;    ///< of the RateTable
  std::array<rate::Rate, kRateClassCount> classes{};
  rate::Rate all{};  ///< over all classes
  /// Leaves of value 1 are exempt.
  geo::PrefixTree exempt_v4{base::Family::V4, 0};
  geo::PrefixTree exempt_v6{base::Family::V6, 0};
};

/// The table to use with `limits`: `current` when it fits, a new one when its size changed, none when off.
/// Off line.
[[nodiscard]] std::shared_ptr<rate::RateTable> rate_table_for(
    const RateLimits& limits, const std::shared_ptr<rate::RateTable>& current);

/// What becomes of the reply of `size` bytes in `reply` that answer_query wrote: its size, a truncated
/// reply in its place, or 0. worker.summary says what the reply is, and afterwards what was done. Never
/// inlined: the stack that it needs would have to be made ready for answers without limits, too.
[[nodiscard, gnu::noinline]] std::size_t limit_rate(const Snapshot& snapshot, const Tables& tables,
                                                    const Source& source,
                                                    std::span<const std::uint8_t> packet,
                                                    std::span<std::uint8_t> reply, std::size_t size,
                                                    Worker& worker) noexcept;

}  // namespace meridian::query

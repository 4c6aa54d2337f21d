// What one worker answered from one snapshot: by pool and reason, by transport and RCODE, and the scopes of
// those that a client subnet decided.
//
// Belongs to a snapshot's Tables, so that PoolId is an index and no worker ever changes its arrays. One
// writing thread, any reader. HOT: add() is at most three relaxed adds, without a lock prefix.
#pragma once

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "dns/types.hpp"
#include "query/summary.hpp"
#include "steering/choose.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace meridian::query {

/// Why an answer names the datacenter that it names, as operators ask.
enum class TallyReason : std::uint8_t {
  Preferred,
  Fallback,  ///< earlier tiers are unhealthy
  Open,      ///< nothing of the service is healthy, or too little to carry its clients
  Drained,   ///< the client would have another datacenter, which operators drained
  Shed,      ///< the same, and operators shed load from it
};
inline constexpr std::size_t kTalliedReasons = 5;

[[nodiscard]] constexpr TallyReason tally_reason(const Summary& summary) noexcept {
  switch (summary.moved_by) {
    case MovedBy::Drain:
      return TallyReason::Drained;
    case MovedBy::Shed:
      return TallyReason::Shed;
    case MovedBy::Nothing:
      break;
  }
  if (summary.reason == steering::Reason::Preferred) return TallyReason::Preferred;
  return summary.reason == steering::Reason::Fallback ? TallyReason::Fallback : TallyReason::Open;
}

/// RCODEs that are counted apart; the others share the last one.
inline constexpr auto kTalliedRcodes = std::to_array<dns::Rcode>(
    {dns::Rcode::NoError, dns::Rcode::FormErr, dns::Rcode::ServFail, dns::Rcode::NxDomain, dns::Rcode::NotImp,
     dns::Rcode::Refused, dns::Rcode::YxDomain, dns::Rcode::BadVers, dns::Rcode::BadCookie});
inline constexpr std::size_t kRcodeCells = kTalliedRcodes.size() + 1;

/// Scopes are 0 to 128.
inline constexpr std::size_t kScopeCells = 129;

/// Where an answer counts; small, since it is kept with kept answers.
struct TallyCells {
  std::uint32_t pool = 0;   ///< 0: none
  std::uint8_t rcode = 0;   ///< transport included
  bool has_answer = false;  ///< false: nothing was said, nothing is counted
  bool has_scope = false;   ///< a client subnet decided
};

class AnswerTally {
 public:
  /// Pools from limits::kTalliedPoolsMax on are counted together, as the last one.
  explicit AnswerTally(std::size_t pool_count)
      : pool_count_(std::min(pool_count, base::limits::kTalliedPoolsMax) + 1),
        pools_(std::make_unique<Cell[]>(1 + pool_count_ * kTalliedReasons)) {}

  [[nodiscard]] static std::uint8_t rcode_cell(dns::Rcode rcode, bool is_tcp) noexcept {
    std::size_t cell = 0;
    while (cell < kTalliedRcodes.size() && kTalliedRcodes[cell] != rcode) ++cell;
    return static_cast<std::uint8_t>(cell + (is_tcp ? kRcodeCells : 0));
  }

  /// Where the answer that `summary` tells of counts.
  [[nodiscard]] TallyCells cells_of(const Summary& summary, bool is_tcp) const noexcept {
    TallyCells cells;
    cells.has_answer = summary.kind != AnswerKind::Dropped;
    cells.rcode = rcode_cell(summary.rcode, is_tcp);
    if (summary.service == base::kNoService) return cells;
    cells.has_scope = summary.by_client_subnet;
    if (summary.pool == base::kNoPool) return cells;
    const std::size_t pool = std::min(base::index_of(summary.pool), pool_count_ - 1);
    cells.pool = static_cast<std::uint32_t>(1 + pool * kTalliedReasons +
                                            static_cast<std::size_t>(tally_reason(summary)));
    return cells;
  }

  void add(const TallyCells& cells, std::uint8_t scope_bits) noexcept {
    if (!cells.has_answer) return;
    count(rcodes_[cells.rcode]);
    if (cells.pool != 0) count(pools_[cells.pool]);
    if (cells.has_scope) count(scopes_[std::min<std::size_t>(scope_bits, kScopeCells - 1)]);
  }

  // From any thread.
  [[nodiscard]] std::uint64_t by_rcode(std::size_t cell) const noexcept { return read(rcodes_[cell]); }
  [[nodiscard]] std::uint64_t by_scope(std::size_t bits) const noexcept { return read(scopes_[bits]); }
  /// `pool` below pool_count(); the last one is that of all others.
  [[nodiscard]] std::uint64_t by_pool(std::size_t pool, TallyReason reason) const noexcept {
    return read(pools_[1 + pool * kTalliedReasons + static_cast<std::size_t>(reason)]);
  }
  [[nodiscard]] std::size_t pool_count() const noexcept { return pool_count_; }

 private:
  using Cell = std::atomic<std::uint64_t>;
  static void count(Cell& cell) noexcept {
    cell.store(cell.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  static std::uint64_t read(const Cell& cell) noexcept { return cell.load(std::memory_order_relaxed); }

  std::size_t pool_count_;
  std::unique_ptr<Cell[]> pools_;
  std::array<Cell, 2 * kRcodeCells> rcodes_{};
  std::array<Cell, kScopeCells> scopes_{};
};

}  // namespace meridian::query

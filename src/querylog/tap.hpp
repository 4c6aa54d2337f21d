// One worker's side of the query log, of dnstap and of demand: which queries are sampled, and the rings they
// go into.
//
// HOT: begin_batch costs one load and one branch while nothing is due; note copies bytes. No allocation, lock
// or format. One worker thread calls begin_batch and note, any other thread the rest.
#pragma once

#include "base/clock.hpp"
#include "base/random.hpp"
#include "net/handler.hpp"
#include "querylog/record.hpp"
#include "querylog/ring.hpp"
#include "stats/counters.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>

namespace meridian::querylog {

/// Where a sampled query may go. Each samples for itself.
enum class Lane : std::uint8_t { QueryLog, Dnstap, Demand };
inline constexpr std::size_t kLaneCount = 3;

/// The distance from one sampled query to the next: even over [1, 2·sample − 1], so `sample` on average and
/// never in step with a pattern among the queries.
[[nodiscard]] inline std::uint64_t draw_gap(std::uint32_t sample, base::Random& random) noexcept {
  return std::uint64_t{1} + random.below(2 * sample - 1);
}

class Tap {
 public:
  /// `clock` and `counters`, the worker's own block, outlive the tap.
  Tap(const base::Clock& clock, stats::Counters& counters, std::uint64_t seed)
      : clock_(clock), counters_(counters), random_(seed) {}
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  /// HOT. Before a batch is answered. True: call note() after each of its queries. False: do not.
  [[nodiscard]] bool begin_batch(std::size_t queries) noexcept {
    if (generation_.load(std::memory_order_acquire) == generation_seen_ && seen_ + queries <= next_)
        [[likely]] {
      seen_ += queries;
      return false;
    }
    start_noting();
    return true;
  }

  /// HOT. After one query of the batch: `exchange` as it will be sent.
  void note(const net::Exchange& exchange, const query::Snapshot& snapshot,
            const query::Summary& summary) noexcept {
    if (seen_++ != next_) return;
    record(exchange, snapshot, summary);
  }

  /// One query in `sample` from the worker's next batch on; 0: none. The first sample > 0 allocates the ring,
  /// which stays, since a worker may still be writing into it, and returns it for the lane's writer; any
  /// other call returns nullptr.
  [[nodiscard]] std::shared_ptr<Ring> set_sample(Lane lane, std::uint32_t sample);

 private:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  /// Written by set_sample.
  struct Shared {
    std::atomic<Ring*> ring{nullptr};
    std::atomic<std::uint32_t> sample{0};
  };
  /// The worker's copy.
  struct Own {
    Ring* ring = nullptr;
    std::uint32_t sample = 0;
    std::uint64_t next = kNever;
  };

  void start_noting() noexcept;
  void refresh() noexcept;
  void record(const net::Exchange& exchange, const query::Snapshot& snapshot,
              const query::Summary& summary) noexcept;
  void put(Lane lane, const RecordSource& source) noexcept;
  void find_next() noexcept;

  const base::Clock& clock_;
  stats::Counters& counters_;
  base::Random random_;
  std::uint64_t seen_ = 0;                            ///< Queries so far.
  std::uint64_t next_ = kNever;                       ///< The next sampled one, counted from 0.
  std::uint64_t generation_seen_ = 0;                 ///< Of set_sample calls.
  std::array<Own, kLaneCount> own_{};                 ///< By Lane.
  bool is_timed_ = false;                             ///< Somebody wants to know when, and how long.
  base::MonotonicTime batch_start_;                   ///< Of the batch that is noted.
  std::chrono::system_clock::time_point batch_wall_;  ///< The same moment.

  alignas(64) std::atomic<std::uint64_t> generation_{0};
  std::array<Shared, kLaneCount> shared_{};  ///< By Lane.
  std::array<std::shared_ptr<Ring>, kLaneCount> rings_{};
  std::mutex mutex_;  ///< Among callers of set_sample.
};

}  // namespace meridian::querylog

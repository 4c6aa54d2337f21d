// One worker's way through a batch: every packet is looked at before the first is answered, and what a kept
// answer serves is not read at all.
//
// Call look() for every packet, find(), and answer_kept() for every packet; then, for those that had nothing
// kept, read(), fetch_ahead() and answer_anew(), each for every one before the next: in between, the tables
// that the next step needs come into the cache. A batch of one is fine. HOT: nothing here allocates but the
// constructor.
#pragma once

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "query/answer.hpp"
#include "query/answer_cache.hpp"
#include "query/asked.hpp"
#include "query/query_form.hpp"
#include "query/snapshot.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace meridian::query {

/// Whether it pays to look for kept answers: a flood of names that nobody asked for before would only have
/// each looked for in vain. A hit saves about twice what a miss costs.
class CacheWorth {
 public:
  /// False: leave this query out.
  [[nodiscard]] bool is_due() noexcept { return credit_ != 0 || (++skipped_ & (kProbe - 1)) == 0; }
  void count(bool is_hit) noexcept {
    if (is_hit) {
      if (credit_ < kCreditMax) credit_ += 2;
    } else if (credit_ != 0) {
      --credit_;
    }
  }

 private:
  static constexpr std::uint32_t kCreditMax = 2 * base::limits::kKeptAnswersMax;  ///< to fill the cache anew
  static constexpr std::uint32_t kProbe = 16;  ///< without credit, one in so many is looked for

  std::uint32_t credit_ = kCreditMax;
  std::uint32_t skipped_ = 0;
};

class Answerer {
 public:
  /// `counters`, the worker's own block, outlives it.
  /// `thread`: which of Tables::tallies is its own.
  Answerer(stats::Counters& counters, std::uint64_t seed, std::size_t thread = 0)
      : thread_(thread),
        worker_{.counters = counters, .random = base::Random(seed)},
        cache_(base::mix(seed)) {}
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;

  /// `serving` is another number whenever `snapshot` or `tables` is another object. Both stay until the next
  /// begin_batch(), and so do the packets. `is_noted`: summary() will be asked for.
  void begin_batch(const Snapshot& snapshot, const Tables& tables, std::uint64_t serving,
                   base::CoarseTime now, bool is_noted) noexcept;

  /// `slot`: where in the batch it stands, below limits::kUdpBatch.
  void look(std::size_t slot, const Source& source, std::span<const std::uint8_t> packet) noexcept;
  /// Looks for what is kept for the slots [0, count).
  void find(std::size_t count) noexcept;
  /// As answer_query, from what is kept; nothing when nothing is.
  [[nodiscard]] std::optional<std::size_t> answer_kept(std::size_t slot,
                                                       std::span<std::uint8_t> reply) noexcept;

  /// For a slot where nothing was kept.
  void read(std::size_t slot) noexcept {
    asked_[slot].emplace(*snapshot_, looks_[slot].source, looks_[slot].packet);
  }
  void fetch_ahead(std::size_t slot) const noexcept { asked_[slot]->fetch_records_ahead(); }
  /// As answer_query.
  [[nodiscard]] std::size_t answer_anew(std::size_t slot, std::span<std::uint8_t> reply) noexcept;

  /// Of the last answer, in a batch that is noted.
  [[nodiscard]] const Summary& summary() const noexcept { return worker_.summary; }

 private:
  struct Look {
    Source source;
    std::span<const std::uint8_t> packet;
    std::uint64_t hash = 0;  ///< of the packet's form; 0: nothing kept is looked for
    AnswerCache::Place place;
  };

  const std::size_t thread_;
  const Snapshot* snapshot_ = nullptr;
  const Tables* tables_ = nullptr;
  Worker worker_;
  AnswerCache cache_;
  CacheWorth worth_;
  // By slot. Apart, because most queries need the first alone.
  std::array<Look, base::limits::kUdpBatch> looks_;
  std::array<std::optional<Asked>, base::limits::kUdpBatch> asked_;
};

}  // namespace meridian::query

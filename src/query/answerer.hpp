// One worker's way through a batch: every packet is looked at before the first is answered, and what a kept
// answer serves is not read at all.
//
// Call look() for each packet, then answer_kept() for each. For those that had nothing kept call read(), then
// answer_anew(): in between, the tables that the next step needs come into the cache. A batch of one is fine.
// HOT: nothing here allocates but the constructor.
#pragma once

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "query/answer.hpp"
#include "query/answer_cache.hpp"
#include "query/asked.hpp"
#include "query/query_key.hpp"
#include "query/snapshot.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace meridian::query {

class Answerer {
 public:
  /// `counters`, the worker's own block, outlives it.
  Answerer(stats::Counters& counters, std::uint64_t seed)
      : worker_{.counters = counters, .random = base::Random(seed)}, cache_(base::mix(seed)) {}
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;

  /// `serving` is another number whenever `snapshot` or `tables` is another object. Both stay until the next
  /// begin_batch(), and so do the packets.
  void begin_batch(const Snapshot& snapshot, const Tables& tables, std::uint64_t serving,
                   base::CoarseTime now) noexcept;

  /// `slot`: where in the batch it stands, below limits::kUdpBatch.
  void look(std::size_t slot, const Source& source, std::span<const std::uint8_t> packet) noexcept;

  /// As answer_query, from what is kept; nothing when nothing is.
  [[nodiscard]] std::optional<std::size_t> answer_kept(std::size_t slot,
                                                       std::span<std::uint8_t> reply) noexcept;

  /// After answer_kept() had nothing.
  void read(std::size_t slot) noexcept {
    asked_[slot].emplace(*snapshot_, looks_[slot].source, looks_[slot].packet);
  }
  /// Some time after read().
  void fetch_ahead(std::size_t slot) const noexcept { asked_[slot]->fetch_records_ahead(); }
  /// As answer_query. After read().
  [[nodiscard]] std::size_t answer_anew(std::size_t slot, std::span<std::uint8_t> reply) noexcept;

  /// Of the last answer.
  [[nodiscard]] const Summary& summary() const noexcept { return worker_.summary; }

 private:
  struct Look {
    Source source;
    std::span<const std::uint8_t> packet;
    bool has_key = false;
    bool is_wanted = false;
    QueryKey key;
  };

  const Snapshot* snapshot_ = nullptr;
  const Tables* tables_ = nullptr;
  Worker worker_;
  AnswerCache cache_;
  // By slot. Apart, because most queries need the first alone.
  std::array<Look, base::limits::kUdpBatch> looks_;
  std::array<std::optional<Asked>, base::limits::kUdpBatch> asked_;
};

}  // namespace meridian::query

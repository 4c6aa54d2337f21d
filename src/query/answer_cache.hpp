// The answers that one worker gave lately, ready to be sent again: most queries of a busy server are the same
// few questions of clients in the same few tiers.
//
// An answer is used again only where composing it once more would give the same bytes (docs/answer-cache.md
// has the argument): for the same QueryKey, the same tiers of the same map found in the same way, the same
// snapshot, and the same health of everything. Answers that were drawn are not kept, errors and cookies
// neither. HOT: nothing here allocates but the constructor. One worker's.
#pragma once

#include "query/answer.hpp"
#include "query/locate.hpp"
#include "query/query_key.hpp"
#include "query/summary.hpp"
#include "stats/counters.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace meridian::query {

class AnswerCache {
 public:
  /// Throws std::bad_alloc.
  explicit AnswerCache(std::uint64_t seed);

  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

  /// Before a batch. `serving` says which snapshot and tables are served, `health` is their
  /// HealthTable::generation() by now: answers kept under other numbers are forgotten.
  void begin_batch(std::uint64_t serving, std::uint64_t health) noexcept;

  /// Starts to fetch what find() reads first.
  void fetch_ahead(const QueryKey& key) const noexcept { __builtin_prefetch(&question_at(key)); }

  /// What find() found out: the place where the answer is, or would be kept.
  struct Place {
    std::size_t answer_bytes = 0;  ///< 0: no answer
    bool is_wanted = false;        ///< no answer, and keep() would be welcome
  };

  /// Looks for the answer to `packet`, whose key is `key`, and writes it into `reply`; `worker` then has its
  /// summary and its counts.
  [[nodiscard]] Place find(const Snapshot& snapshot, const Source& source, const QueryKey& key,
                           std::span<const std::uint8_t> packet, std::span<std::uint8_t> reply,
                           Worker& worker) noexcept;

  /// What compose_reply changes of a worker beside its summary.
  class Before {
   public:
    explicit Before(const Worker& worker) noexcept;

   private:
    friend class AnswerCache;
    std::array<std::uint64_t, stats::kCounterCount> counts_;
    base::Random random_;
  };

  /// Keeps `reply`, which compose_reply has just written for a wanted place, if it may be used again, or else
  /// that it may not.
  void keep(const Snapshot& snapshot, const Source& source, const QueryKey& key,
            std::span<const std::uint8_t> reply, const Before& before, const Worker& worker) noexcept;

 private:
  static constexpr std::uint32_t kNoMap = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t kCountsMax = 8;  ///< more than any answer counts

  /// Which map an answer depends on; in the place that its key's hash says.
  struct Question {
    std::uint32_t tag = 0;  ///< the hash's other half
    std::uint32_t stamp = 0;
    std::uint32_t map = kNoMap;
    bool use_client_subnet = true;
    bool is_seen_only = true;  ///< asked once so far
    bool is_used = false;
  };

  /// What of the client an answer depends on.
  struct Standing {
    std::uint32_t map = kNoMap;
    base::TiersId tiers{};
    Whose whose = Whose::Resolver;

    friend bool operator==(const Standing&, const Standing&) = default;
  };

  /// An answer, or with answer_bytes 0 the knowledge that there can be none.
  struct Kept {
    std::uint64_t hash = 0;
    std::uint32_t stamp = 0;
    Standing standing;
    std::uint16_t packet_bytes = 0;
    std::uint16_t answer_bytes = 0;
    std::uint16_t subnet_at = 0;    ///< of the client subnet's payload in the answer; 0: none
    std::uint16_t rotated_at = 0;   ///< of the first of `rotated` address records
    std::uint8_t rotated = 0;       ///< 0: they stay as they are
    std::uint8_t record_bytes = 0;  ///< of each of them
    bool is_used = false;
    std::uint8_t count = 0;
    std::array<stats::Counter, kCountsMax> counts{};  ///< each of which went up by one
    Summary summary;
    std::array<std::uint64_t, QueryKey::kWords> words{};
    std::array<std::uint8_t, base::limits::kKeptAnswerBytesMax> answer{};
  };

  [[nodiscard]] const Question& question_at(const QueryKey& key) const noexcept {
    return questions_.data()[key.hash() & (base::limits::kKeptQuestionsMax - 1)];
  }
  [[nodiscard]] Question& question_at(const QueryKey& key) noexcept {
    return questions_.data()[key.hash() & (base::limits::kKeptQuestionsMax - 1)];
  }
  [[nodiscard]] Kept& kept_at(std::uint64_t hash) noexcept {
    return kept_.data()[hash & (base::limits::kKeptAnswersMax - 1)];
  }
  [[nodiscard]] bool is_of(const Question& question, const QueryKey& key) const noexcept {
    return question.stamp == stamp_ && question.tag == key.hash() >> 32;
  }
  [[nodiscard]] bool is_of(const Kept& kept, std::uint64_t hash, const Standing& standing,
                           const QueryKey& key) const noexcept;
  [[nodiscard]] bool meet(Question& question, const QueryKey& key) const noexcept;
  /// False: not what can be given again.
  [[nodiscard]] static bool take_counts(const Before& before, const stats::Counters& counters,
                                        Kept& kept) noexcept;
  [[nodiscard]] static bool take_answer(const QueryKey& key, std::span<const std::uint8_t> reply,
                                        const Before& before, const Worker& worker, Kept& kept) noexcept;
  static void write(const Kept& kept, const Client& client, const QueryKey& key,
                    std::span<const std::uint8_t> packet, std::uint8_t* reply, Worker& worker) noexcept;

  std::uint64_t seed_;
  std::uint64_t serving_ = 0;
  std::uint64_t health_ = 0;
  std::uint32_t stamp_ = 0;  ///< of what is kept now; others are forgotten
  std::vector<Question> questions_;
  std::vector<Kept> kept_;
};

}  // namespace meridian::query

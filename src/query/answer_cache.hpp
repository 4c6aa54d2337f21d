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
#include <span>
#include <vector>

namespace meridian::query {

class AnswerCache {
 public:
  /// Throws std::bad_alloc.
  explicit AnswerCache(std::uint64_t seed);

  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

  /// Before a batch. `serving` says which snapshot and tables are served, `health` is their
  /// HealthTable::generation() by now: answers kept under other numbers are forgotten. `needs_summary`:
  /// somebody will look at what answers were.
  void begin_batch(std::uint64_t serving, std::uint64_t health, bool needs_summary) noexcept;

  /// Starts to fetch what find() reads.
  void fetch_ahead(const QueryKey& key) const noexcept { __builtin_prefetch(&set_of(key)); }

  /// Where the answer to a query is, or would be kept, and for whom.
  struct Place;

  /// Finds the place for the query of `key`, and starts to fetch what write() reads.
  void find(const Snapshot& snapshot, const Source& source, const QueryKey& key, Place& place) noexcept;

  /// Writes the answer to `packet`, whose key and place these are, into `reply`; `worker` then has its
  /// summary, if one is needed, and its counts. Returns the answer's size, or 0 when there is none; then
  /// place.is_wanted says whether keep() would be welcome.
  [[nodiscard]] std::size_t write(Place& place, const QueryKey& key, std::span<const std::uint8_t> packet,
                                  std::span<std::uint8_t> reply, Worker& worker) noexcept;

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
  static constexpr std::size_t kQuestionSets = base::limits::kKeptQuestionsMax / 4;
  static constexpr std::size_t kKeptSets = base::limits::kKeptAnswersMax / 4;

  /// Both tables have sets of so many places, so that few of those asked for get in each other's way.
  static constexpr std::size_t kWays = 4;

  /// Which map the answers to a question depend on.
  struct Question {
    std::uint32_t tag = 0;  ///< half of the hash; the other half says which set
    std::uint32_t stamp = 0;
    std::uint32_t map = kNoMap;
    bool use_client_subnet = true;
    bool is_used = false;
  };
  struct alignas(64) QuestionSet {
    std::array<Question, kWays> ways;
  };

  /// What of the client an answer depends on.
  struct Standing {
    std::uint32_t map = kNoMap;
    base::TiersId tiers{};
    Whose whose = Whose::Resolver;

    friend bool operator==(const Standing&, const Standing&) = default;
  };

  /// An answer, or with answer_bytes 0 the knowledge that there can be none. What write() reads of it comes
  /// first, in as few cache lines as may be.
  struct alignas(64) Kept {
    static constexpr std::size_t kStep = 16;  ///< answers are copied in steps

    std::uint64_t hash = 0;
    Standing standing;
    std::uint32_t stamp = 0;
    std::uint16_t packet_bytes = 0;
    std::uint16_t answer_bytes = 0;
    std::uint16_t subnet_at = 0;    ///< of the client subnet's payload in the answer; 0: none
    std::uint16_t rotated_at = 0;   ///< of the first of `rotated` address records
    std::uint8_t rotated = 0;       ///< 0: they stay as they are
    std::uint8_t record_bytes = 0;  ///< of each of them
    bool is_used = false;
    std::uint8_t count = 0;
    TallyCells cells;                                 ///< where the answer counts
    std::array<stats::Counter, kCountsMax> counts{};  ///< each of which went up by one
    /// The key's words, and behind them the answer.
    std::array<std::uint64_t, QueryKey::kWords + (base::limits::kKeptAnswerBytesMax + kStep) / 8> room{};
    Summary summary;

    [[nodiscard]] const std::uint8_t* answer(const QueryKey& key) const noexcept {
      return static_cast<const std::uint8_t*>(static_cast<const void*>(room.data() + key.words().size()));
    }
  };

  [[nodiscard]] const QuestionSet& set_of(const QueryKey& key) const noexcept {
    return questions_.data()[key.hash() & (kQuestionSets - 1)];
  }
  [[nodiscard]] QuestionSet& set_of(const QueryKey& key) noexcept {
    return questions_.data()[key.hash() & (kQuestionSets - 1)];
  }
  [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash >> 32);
  }
  /// nullptr: unknown.
  [[nodiscard]] Question* find_question(const QueryKey& key) noexcept;
  /// One that may go: of another stamp, or not used since the last time that all were. nullptr: none by now.
  template <typename Ways>
  [[nodiscard]] typename Ways::value_type* find_victim(Ways& ways) const noexcept;
  [[nodiscard]] bool is_of(const Kept& kept, std::uint64_t hash, const Standing& standing,
                           const QueryKey& key) const noexcept;
  [[nodiscard]] bool meet(const QueryKey& key) noexcept;
  /// False: not what can be given again.
  [[nodiscard]] static bool take_counts(const Before& before, const stats::Counters& counters,
                                        Kept& kept) noexcept;
  [[nodiscard]] static bool take_answer(const QueryKey& key, std::span<const std::uint8_t> reply,
                                        const Before& before, const Worker& worker, Kept& kept) noexcept;

  /// Looks up the client of an answer that depends on a map.
  [[nodiscard]] static Standing stand(const Snapshot& snapshot, const Source& source, const QueryKey& key,
                                      const Question& question, Client& client) noexcept;
  void put(const Question& question, const QueryKey& key) noexcept;
  [[nodiscard]] Kept* find_place(std::uint64_t hash) noexcept;

  std::uint64_t seed_;
  std::uint64_t serving_ = 0;
  std::uint64_t health_ = 0;
  std::uint32_t stamp_ = 0;  ///< of what is kept now; others are forgotten
  bool needs_summary_ = false;
  std::vector<QuestionSet> questions_;
  std::vector<std::uint32_t> rivals_;  ///< by set: the tag of the question that last missed it
  std::vector<std::array<std::uint32_t, kWays>> kept_tags_;
  std::vector<std::array<Kept, kWays>> kept_;
};

struct AnswerCache::Place {
  Kept* kept = nullptr;  ///< nullptr: nowhere
  std::uint64_t hash = 0;
  Standing standing;
  bool is_wanted = false;
  Client client;  ///< where standing.map is a map
};

}  // namespace meridian::query

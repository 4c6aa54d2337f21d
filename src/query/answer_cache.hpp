// The answers that one worker gave lately, ready to be sent again: most queries of a busy server are the same
// few questions of clients in the same few tiers.
//
// An answer is used again only where composing it once more would give the same bytes (docs/answer-cache.md
// has the argument): for the same QueryForm, the same tiers of the same map found in the same way, the same
// snapshot, and the same health of everything. Answers that were drawn are not kept, errors and cookies
// neither. HOT: nothing here allocates but the constructor. One worker's.
#pragma once

#include "query/answer.hpp"
#include "query/locate.hpp"
#include "query/query_form.hpp"
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

  /// Where the answer to a query is, or would be kept, and for whom.
  struct Place;

  // The steps to a kept answer, in this order; each starts to fetch what the next one reads. `hash`:
  // hash_form() of the packet with seed(), and not 0.
  void look(std::uint64_t hash, Place& place) const noexcept;
  /// Finds the packet's question.
  void match(const Snapshot& snapshot, const Source& source, std::span<const std::uint8_t> packet,
             std::uint64_t hash, Place& place) noexcept;
  /// Goes half of the way to the client.
  void approach(const Snapshot& snapshot, const Source& source, const Place& place) const noexcept;
  /// Finds the client, and the place of its answer.
  void locate(const Snapshot& snapshot, const Source& source, Place& place) noexcept;
  /// Writes the answer to `packet` into `reply`; `worker` then has its summary, if one is needed, and its
  /// counts. Returns the answer's size, or 0 when there is none; then place.is_wanted says whether keep()
  /// would be welcome.
  [[nodiscard]] std::size_t write(Place& place, std::span<const std::uint8_t> packet,
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

  /// A packet whose answer is wanted at `place`.
  struct Wanted {
    const QueryForm& form;
    std::uint64_t hash;  ///< as above
    std::span<const std::uint8_t> packet;
  };

  /// Keeps `reply`, which compose_reply has just written for that packet, if it may be used again, or else
  /// that it may not.
  void keep(const Snapshot& snapshot, const Source& source, const Wanted& wanted, Place& place,
            std::span<const std::uint8_t> reply, const Before& before, const Worker& worker) noexcept;

 private:
  static constexpr std::uint32_t kNoMap = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t kCountsMax = 8;  ///< more than any answer counts
  static constexpr std::size_t kQuestionSets = base::limits::kKeptQuestionsMax / 4;
  static constexpr std::size_t kKeptSets = base::limits::kKeptAnswersMax / 4;

  /// Both tables have sets of so many places, so that few of those asked for get in each other's way.
  static constexpr std::size_t kWays = 4;

  /// The packets of one form, and which map their answers depend on.
  struct alignas(64) Question {
    std::uint64_t serial = 0;  ///< its own: no question before had it, nor will one after
    std::uint32_t stamp = 0;
    std::uint32_t map = kNoMap;
    bool use_client_subnet = true;
    bool is_used = false;
    QueryForm form;
  };

  /// An answer, or with answer_bytes 0 the knowledge that there can be none. What write() reads of it comes
  /// first, in as few cache lines as may be.
  struct alignas(64) Kept {
    static constexpr std::size_t kStep = 16;  ///< answers are copied in steps

    std::uint64_t question = 0;  ///< its serial
    base::TiersId tiers{};
    std::uint32_t stamp = 0;
    std::uint16_t answer_bytes = 0;
    std::uint16_t subnet_at = 0;    ///< of the client subnet's payload in the answer; 0: none
    std::uint16_t rotated_at = 0;   ///< of the first of `rotated` address records
    std::uint8_t rotated = 0;       ///< 0: they stay as they are
    std::uint8_t record_bytes = 0;  ///< of each of them
    Whose whose = Whose::Resolver;
    bool is_used = false;
    std::uint8_t count = 0;
    std::array<stats::Counter, kCountsMax> counts{};  ///< each of which went up by one
    TallyCells cells;                                 ///< where the answer counts
    std::array<std::uint8_t, base::limits::kKeptAnswerBytesMax + kStep> answer{};
    Summary summary;
  };

  template <typename T>
  using Sets = std::vector<std::array<T, kWays>>;
  using Tags = std::array<std::uint32_t, kWays>;  ///< half of a hash each; the other half says which set

  [[nodiscard]] static std::size_t question_set(std::uint64_t hash) noexcept {
    return hash & (kQuestionSets - 1);
  }
  [[nodiscard]] static std::size_t kept_set(std::uint64_t hash) noexcept { return hash & (kKeptSets - 1); }
  [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash >> 32);
  }
  /// One that may go: of another stamp, or not used since the last time that all were. nullptr: none by now.
  template <typename Ways>
  [[nodiscard]] typename Ways::value_type* find_victim(Ways& ways) const noexcept;
  [[nodiscard]] Question* find_question(std::span<const std::uint8_t> packet, bool is_tcp,
                                        std::uint64_t hash) noexcept;
  static void set_question(const Question& question, std::span<const std::uint8_t> packet,
                           Place& place) noexcept;
  [[nodiscard]] static const base::IpAddress& likely_client(const Source& source,
                                                            const Place& place) noexcept;
  [[nodiscard]] bool meet(std::uint64_t hash) noexcept;
  /// False: not what can be given again.
  [[nodiscard]] static bool take_counts(const Before& before, const stats::Counters& counters,
                                        Kept& kept) noexcept;
  [[nodiscard]] static bool take_answer(const QueryForm& form, std::span<const std::uint8_t> reply,
                                        const Before& before, const Worker& worker, Kept& kept) noexcept;
  static void write_rotated(const Kept& kept, std::uint8_t* out, base::Random& random) noexcept;

  [[nodiscard]] std::uint64_t hash_with(std::uint64_t question, base::TiersId tiers,
                                        Whose whose) const noexcept;
  /// nullptr: there is no room by now.
  [[nodiscard]] const Question* put(const Snapshot& snapshot, const Source& source, const Wanted& wanted,
                                    const Worker& worker) noexcept;
  [[nodiscard]] Kept* find_place(const Place& place) noexcept;

  std::uint64_t seed_;
  std::uint64_t serving_ = 0;
  std::uint64_t health_ = 0;
  std::uint32_t stamp_ = 0;  ///< of what is kept now; others are forgotten
  bool needs_summary_ = false;
  std::uint64_t last_serial_ = 0;
  std::vector<Tags> question_tags_;
  Sets<Question> questions_;
  std::vector<std::uint32_t> rivals_;  ///< by set: the tag of the question that last missed it
  std::vector<Tags> kept_tags_;
  Sets<Kept> kept_;
};

struct AnswerCache::Place {
  bool may_be_known = false;           ///< a question has the tag
  bool is_wanted = false;              ///< by keep()
  base::IpPrefix subnet;               ///< where the question has a client subnet
  const Question* question = nullptr;  ///< nullptr: unknown by now
  std::uint64_t serial = 0;            ///< of the question
  // Of the client; where the question has no map all clients are one.
  base::TiersId tiers{};
  Whose whose = Whose::Resolver;
  std::uint8_t scope_bits = 0;
  std::uint64_t hash = 0;  ///< where its answer is
  Kept* kept = nullptr;    ///< nullptr: nowhere
};

}  // namespace meridian::query

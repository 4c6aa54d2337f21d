// When each target is probed: every `every` of its check, at most one probe of a target at a time, and a
// bounded number of all of them.
//
// Knows neither sockets nor threads: whoever owns it calls run_due() when next_due() says so. A start comes
// up to `jitter` earlier than `every` after the one before, never later: an outage is then found within
// down_after times `every` and one time-out. What fails while the thread did not run is left out. One thread.
#pragma once

#include "base/clock.hpp"
#include "base/random.hpp"
#include "probe/prober.hpp"
#include "stats/counters.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace meridian::probe {

class Scheduler {
 public:
  struct Handlers {
    /// The index is the target's in the last set_targets(). Not called for checks that are pushed.
    std::function<void(std::size_t target, const health::ProbeResult&)> on_result;
    /// Once for each set_targets(): every target has a result (true), or limits::kProbeFirstRoundMs have
    /// passed (false).
    std::function<void(bool is_complete)> on_first_round;
  };

  /// All but the handlers must outlive this. The handlers must not call back.
  Scheduler(const base::Clock& clock, Prober& prober, stats::Counters& counters, std::uint64_t seed,
            Handlers handlers);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// What is probed from now on. Targets that are probed alike are probed once. One that was there before
  /// keeps its turn, and the probe that is on its way; a new one has its first turn within
  /// limits::kProbeFirstRoundSpreadMs.
  void set_targets(const std::vector<Target>& targets);

  /// Starts what is due.
  void run_due();
  /// When to call run_due() next; nullopt: nothing is to come before a result.
  [[nodiscard]] std::optional<base::MonotonicTime> next_due() const;

  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }

 private:
  enum class State : std::uint8_t { Scheduled, Waiting, Running };

  /// One thing that is probed.
  struct Entry {
    Target target;
    std::vector<std::size_t> indices;  ///< of the targets that want to know
    base::MonotonicTime due;
    ProbeId probe{};
    State state = State::Scheduled;
    bool has_started = false;
    bool has_result = false;
    base::MonotonicTime started;
  };
  using Entries = std::unordered_map<std::string, std::unique_ptr<Entry>>;
  struct Turn {
    base::MonotonicTime due;
    Entry* entry;
  };

  void end(Entry& entry);
  void spread(const std::vector<Entry*>& fresh);
  void push(Entry& entry);
  [[nodiscard]] Entry* pop_due(base::MonotonicTime now);
  void start_or_wait(Entry& entry);
  void start(Entry& entry);
  void finish(Entry& entry, const health::ProbeResult& result);
  void start_waiting();
  void look_for_stall(base::MonotonicTime now);
  [[nodiscard]] bool has_room() const noexcept { return in_flight_ < room_; }
  void end_first_round(bool is_complete);
  [[nodiscard]] base::MonotonicTime draw_next(Entry& entry);

  const base::Clock& clock_;
  Prober& prober_;
  stats::Counters& counters_;
  base::Random random_;
  Handlers handlers_;
  Entries entries_;
  std::vector<Turn> turns_;              ///< a heap, the next one first; those that are Scheduled
  std::deque<Entry*> waiting_;           ///< due, with no room among those on their way
  std::deque<Entry*> waiting_programs_;  ///< the same, for programs
  std::size_t in_flight_ = 0;
  std::size_t programs_ = 0;  ///< of them
  std::size_t without_result_ = 0;
  std::optional<base::MonotonicTime> first_round_end_;
  /// How many may be on their way: halved by each stall and one more with each result, since more probes than
  /// there is time for all run into their time-outs and none comes to a result.
  std::size_t room_;
  base::MonotonicTime last_run_{};    ///< of run_due()
  base::MonotonicTime last_stall_{};  ///< when the last one was noticed
  bool is_stalled_ = false;           ///< noticed, and no run_due() since
};

}  // namespace meridian::probe

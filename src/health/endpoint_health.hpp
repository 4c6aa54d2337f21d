// One endpoint as its probes show it: up, down or unknown, since when and why.
//
// A pure state machine: results and the time go in, changes of state come out. It never probes, and knows
// nothing of other endpoints: check_watch and panic see whether all of them fail at once. One thread.
#pragma once

#include "base/clock.hpp"
#include "health/health_table.hpp"
#include "health/probe_result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meridian::health {

using std::chrono::milliseconds;

/// What a check says of time and of how often; all of it above 0, but for the jitter.
struct CheckTiming {
  milliseconds every{5'000};
  milliseconds timeout{2'000};
  milliseconds jitter{500};  ///< by which a start may move to either side
  std::uint32_t up_after = 5;
  std::uint32_t down_after = 3;

  friend bool operator==(const CheckTiming&, const CheckTiming&) = default;
};

/// An endpoint that went down stays down for so long whatever its probes say: one that comes and goes moves
/// its clients twice a minute at the most.
inline constexpr milliseconds kHoldDown{60'000};
/// The hold doubles with every further fall, but not past this: who mends an endpoint waits no longer.
inline constexpr milliseconds kHoldDownMax{900'000};
/// Each time an endpoint was up for so long, one of its falls is forgotten.
inline constexpr milliseconds kFallForgotten{600'000};
/// A state is believed for so many intervals without a result, and a timeout: less would call a probe that
/// was late once a loss of sight.
inline constexpr int kIntervalsBelieved = 3;

[[nodiscard]] std::string_view to_string(EndpointState state) noexcept;
[[nodiscard]] std::optional<EndpointState> find_endpoint_state(std::string_view name) noexcept;

struct StateChange {
  EndpointState from = EndpointState::Unknown;
  EndpointState to = EndpointState::Unknown;
};

class EndpointHealth {
 public:
  /// Unknown since `now`. Its first success makes it up at once, so that a start is fast; down it is, from
  /// the first probe on, after down_after failures.
  EndpointHealth(const CheckTiming& timing, base::MonotonicTime now) : timing_(timing), since_(now) {}

  /// Takes a result that came at `now`; times never go back.
  std::optional<StateChange> observe(const ProbeResult& result, base::MonotonicTime now);
  /// Looks whether the last result is too old by now.
  std::optional<StateChange> advance(base::MonotonicTime now);

  /// What was known before a restart. It is believed for as long as a result of `now` would be.
  void restore(EndpointState state, std::string_view cause, base::MonotonicTime since,
               base::MonotonicTime now);

  [[nodiscard]] EndpointState state() const noexcept { return state_; }
  [[nodiscard]] base::MonotonicTime since() const noexcept { return since_; }
  /// Why it is what it is, one line: the last failure, or for unknown what is missing. Empty when it is up.
  [[nodiscard]] const std::string& cause() const noexcept { return cause_; }
  /// Nothing: never.
  [[nodiscard]] std::optional<base::MonotonicTime> last_result_at() const noexcept { return last_result_at_; }
  [[nodiscard]] std::uint32_t failures() const noexcept { return failures_; }    ///< in a row
  [[nodiscard]] std::uint32_t successes() const noexcept { return successes_; }  ///< in a row
  /// The first failure of those in a row; with failures() above 0.
  [[nodiscard]] base::MonotonicTime failing_since() const noexcept { return failing_since_; }
  /// What it was before the failures in a row, or before it was down for them; with failures() above 0.
  [[nodiscard]] EndpointState before_failures() const noexcept { return before_failures_; }
  /// Until when it stays down whatever comes.
  [[nodiscard]] base::MonotonicTime held_until() const noexcept { return held_until_; }

  /// When it can change what it serves at the earliest, while it fails and is not yet down or is well again
  /// and not yet up. Nothing: no such change is near.
  [[nodiscard]] std::optional<base::MonotonicTime> earliest_change() const noexcept;

 private:
  std::optional<StateChange> fail(const ProbeResult& result, base::MonotonicTime now);
  std::optional<StateChange> succeed(base::MonotonicTime now);
  StateChange change_to(EndpointState state, base::MonotonicTime now);
  /// Remembers that it fell, and for how long it is to stay down.
  void fall(base::MonotonicTime now);

  CheckTiming timing_;
  EndpointState state_ = EndpointState::Unknown;
  EndpointState judged_ = EndpointState::Unknown;  ///< the last of Up and Down that it was
  EndpointState before_failures_ = EndpointState::Unknown;
  base::MonotonicTime since_;
  base::MonotonicTime up_since_{};
  base::MonotonicTime failing_since_{};
  base::MonotonicTime held_until_ = base::MonotonicTime::min();
  base::MonotonicTime last_start_{};  ///< of the probe of the last result
  std::optional<base::MonotonicTime> last_result_at_;
  std::uint32_t failures_ = 0;
  std::uint32_t successes_ = 0;
  std::uint32_t falls_ = 0;  ///< those not forgotten; as many as matter
  std::string cause_ = "not probed yet";
};

}  // namespace meridian::health

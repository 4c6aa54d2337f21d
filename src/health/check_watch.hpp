// Whether a check itself has become wrong: it fails for every endpoint it watches, all at once.
//
// Ten servers in three datacenters do not fail within the same seconds; a check that asks for a page that was
// renamed, or a prober whose network is gone, does. Such a check is suspect, and for a while the states from
// before are believed in its place. Pure: it is told of runs of failures and says what it thinks. One thread.
#pragma once

#include "base/clock.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace meridian::health {

/// For so long the states from before hold: an operator who is woken can look, and a check that was mended is
/// back.
inline constexpr std::chrono::milliseconds kSuspectLasts{600'000};
/// All must begin to fail within so many intervals.
inline constexpr int kSuspectIntervals = 2;
/// One endpoint that fails is an endpoint that fails.
inline constexpr std::size_t kSuspectEndpointsMin = 2;

class CheckWatch {
 public:
  CheckWatch(std::size_t endpoint_count, std::chrono::milliseconds every)
      : runs_(endpoint_count), every_(every) {}

  /// The endpoint failed, and did not before. `was_down`: it was down already, for it has failed for longer
  /// or was so before a restart. True: with this one the check becomes suspect.
  [[nodiscard]] bool begin_failing(std::size_t endpoint, bool was_down, base::MonotonicTime now);
  void end_failing(std::size_t endpoint);
  /// The endpoint is not down by what it shows itself, so there is nothing to doubt.
  void end_doubt(std::size_t endpoint) { runs_[endpoint].is_doubted = false; }

  /// Takes over what another watch over the same endpoint knew of it, without a judgement.
  void carry(std::size_t endpoint, bool was_down, base::MonotonicTime failing_since);
  void carry_suspicion(base::MonotonicTime until) { suspect_until_ = until; }
  void carry_doubt(std::size_t endpoint) { runs_[endpoint].is_doubted = true; }

  /// Nothing: it is believed.
  [[nodiscard]] std::optional<base::MonotonicTime> suspect_until() const noexcept { return suspect_until_; }
  /// It was not down when the check became suspect, and failed then or later: what it was before holds, also
  /// while it is on its way back up.
  [[nodiscard]] bool is_doubted(std::size_t endpoint) const noexcept {
    return suspect_until_ && runs_[endpoint].is_doubted;
  }
  /// True once: it was suspect, and its time is over, or nothing fails and nothing is in doubt any more.
  [[nodiscard]] bool end_suspicion(base::MonotonicTime now);

  [[nodiscard]] std::size_t failing_count() const noexcept { return failing_; }
  [[nodiscard]] std::size_t endpoint_count() const noexcept { return runs_.size(); }

 private:
  struct Run {
    bool is_failing = false;
    bool was_down = false;
    bool is_doubted = false;
    base::MonotonicTime since{};
  };

  /// All fail, and those that had not been down began within the same intervals.
  [[nodiscard]] bool fails_at_once() const noexcept;

  std::vector<Run> runs_;
  std::chrono::milliseconds every_;
  std::size_t failing_ = 0;
  std::optional<base::MonotonicTime> suspect_until_;
};

}  // namespace meridian::health

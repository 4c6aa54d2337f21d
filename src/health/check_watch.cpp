#include "health/check_watch.hpp"

#include <algorithm>

namespace meridian::health {

bool CheckWatch::begin_failing(std::size_t endpoint, bool was_down, base::MonotonicTime now) {
  carry(endpoint, was_down, now);
  if (suspect_until_ && !was_down) runs_[endpoint].is_doubted = true;
  if (suspect_until_ || failing_ != runs_.size() || !fails_at_once()) return false;
  suspect_until_ = now + kSuspectLasts;
  for (auto& run : runs_) run.is_doubted = !run.was_down;
  return true;
}

void CheckWatch::carry(std::size_t endpoint, bool was_down, base::MonotonicTime failing_since) {
  auto& run = runs_[endpoint];
  if (!run.is_failing) ++failing_;
  run.is_failing = true;
  run.was_down = was_down;
  run.since = failing_since;
}

void CheckWatch::end_failing(std::size_t endpoint) {
  auto& run = runs_[endpoint];
  if (!run.is_failing) return;
  run.is_failing = false;
  --failing_;
}

bool CheckWatch::end_suspicion(base::MonotonicTime now) {
  if (!suspect_until_) return false;
  const bool is_open =
      failing_ != 0 || std::any_of(runs_.begin(), runs_.end(), [](const Run& run) { return run.is_doubted; });
  if (is_open && now < *suspect_until_) return false;
  suspect_until_.reset();
  for (auto& run : runs_) run.is_doubted = false;
  return true;
}

bool CheckWatch::fails_at_once() const noexcept {
  // What has been down for long says nothing for or against the check.
  std::size_t count = 0;
  auto first = base::MonotonicTime::max();
  auto last = base::MonotonicTime::min();
  for (const auto& run : runs_) {
    if (run.was_down) continue;
    ++count;
    first = std::min(first, run.since);
    last = std::max(last, run.since);
  }
  return count >= kSuspectEndpointsMin && last - first <= kSuspectIntervals * every_;
}

}  // namespace meridian::health

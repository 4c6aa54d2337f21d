#include "control/event_budget.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace meridian::control {
namespace {

/// What one line takes of the time ahead.
constexpr std::chrono::microseconds kLine{1'000'000 / base::limits::kEndpointEventsPerSecond};
constexpr auto kAhead = kLine * base::limits::kEndpointEventsAtOnce;

}  // namespace

bool EventBudget::take(base::MonotonicTime now) {
  const auto full_at = std::max(full_at_.value_or(now), now) + kLine;
  if (full_at > now + kAhead) {
    ++left_out_;
    return false;
  }
  full_at_ = full_at;
  return true;
}

std::optional<std::uint64_t> EventBudget::take_left_out(base::MonotonicTime now) {
  constexpr std::chrono::milliseconds kTold{base::limits::kEndpointEventsToldMs};
  if (left_out_ == 0 || (told_at_ && now - *told_at_ < kTold)) return std::nullopt;
  told_at_ = now;
  return std::exchange(left_out_, 0);
}

}  // namespace meridian::control

#include "health/endpoint_health.hpp"

#include <algorithm>

namespace meridian::health {
namespace {

/// Falls past this lengthen the hold no more.
constexpr std::uint32_t kFallsMax = 5;
static_assert(kHoldDown * (1 << (kFallsMax - 1)) >= kHoldDownMax);

constexpr std::string_view kStale = "no result for too long";

}  // namespace

std::string_view to_string(EndpointState state) noexcept {
  switch (state) {
    case EndpointState::Up:
      return "up";
    case EndpointState::Down:
      return "down";
    case EndpointState::Unknown:
      break;
  }
  return "unknown";
}

std::optional<EndpointState> find_endpoint_state(std::string_view name) noexcept {
  for (const auto state : {EndpointState::Unknown, EndpointState::Up, EndpointState::Down}) {
    if (to_string(state) == name) return state;
  }
  return std::nullopt;
}

std::optional<StateChange> EndpointHealth::observe(const ProbeResult& result, base::MonotonicTime now) {
  // What is too old now does not come back to life with this result.
  const auto stale = advance(now);
  last_result_at_ = now;
  last_start_ = now - std::chrono::duration_cast<milliseconds>(result.took);
  auto change = result.is_ok ? succeed(now) : fail(result, now);
  if (!stale) return change;
  if (!change) return stale;
  if (stale->from == change->to) return std::nullopt;
  return StateChange{stale->from, change->to};
}

std::optional<StateChange> EndpointHealth::advance(base::MonotonicTime now) {
  if (!last_result_at_) return std::nullopt;
  if (now - *last_result_at_ <= kIntervalsBelieved * timing_.every + timing_.timeout) return std::nullopt;
  failures_ = 0;
  successes_ = 0;
  cause_ = kStale;
  if (state_ == EndpointState::Unknown) return std::nullopt;
  return change_to(EndpointState::Unknown, now);
}

void EndpointHealth::restore(EndpointState state, std::string_view cause, base::MonotonicTime since,
                             base::MonotonicTime now) {
  state_ = state;
  judged_ = state;
  since_ = std::min(since, now);
  if (state == EndpointState::Unknown) return;
  last_result_at_ = now;
  last_start_ = now;
  cause_ = cause;
  if (state == EndpointState::Up) {
    up_since_ = since_;
    return;
  }
  before_failures_ = EndpointState::Up;
  failing_since_ = since_;
  failures_ = timing_.down_after;
  falls_ = 1;
  held_until_ = since_ + kHoldDown;
}

std::optional<StateChange> EndpointHealth::fail(const ProbeResult& result, base::MonotonicTime now) {
  successes_ = 0;
  if (failures_ == 0) {
    failing_since_ = now;
    before_failures_ = state_;
  }
  failures_ = std::min(failures_, timing_.down_after) + 1;
  if (state_ == EndpointState::Down) {
    cause_ = result.cause;
    return std::nullopt;
  }
  if (failures_ < timing_.down_after) return std::nullopt;
  // Unknown since results were missing, a fall is one only from up: a prober that stalls is no flapping.
  if (judged_ == EndpointState::Up) fall(now);
  cause_ = result.cause;
  return change_to(EndpointState::Down, now);
}

std::optional<StateChange> EndpointHealth::succeed(base::MonotonicTime now) {
  failures_ = 0;
  successes_ = std::min(successes_, timing_.up_after) + 1;
  if (state_ == EndpointState::Up) return std::nullopt;
  if (state_ == EndpointState::Down && (successes_ < timing_.up_after || now < held_until_))
    return std::nullopt;
  cause_.clear();
  up_since_ = now;
  return change_to(EndpointState::Up, now);
}

StateChange EndpointHealth::change_to(EndpointState state, base::MonotonicTime now) {
  const StateChange change{state_, state};
  state_ = state;
  since_ = now;
  if (state != EndpointState::Unknown) judged_ = state;
  return change;
}

void EndpointHealth::fall(base::MonotonicTime now) {
  const auto forgotten = (now - up_since_) / kFallForgotten;
  falls_ = forgotten >= falls_ ? 0 : falls_ - static_cast<std::uint32_t>(forgotten);
  falls_ = std::min(falls_ + 1, kFallsMax);
  held_until_ = now + std::min(kHoldDown * (1 << (falls_ - 1)), kHoldDownMax);
}

std::optional<base::MonotonicTime> EndpointHealth::earliest_change() const noexcept {
  const bool is_serving = state_ != EndpointState::Down;
  const auto run = is_serving ? failures_ : successes_;
  if (run == 0) return std::nullopt;
  const auto needed = is_serving ? timing_.down_after : timing_.up_after;
  // The next probe always lies ahead, also where it is a hold that is waited for.
  const auto missing = run < needed ? needed - run : 1;
  const auto at = last_start_ + missing * timing_.every - timing_.jitter;
  return is_serving ? at : std::max(at, held_until_);
}

}  // namespace meridian::health

#include "bgp/policy/hold_down.hpp"

#include <algorithm>

namespace meridian::policy {

using std::chrono::milliseconds;

void HoldDown::fall(base::MonotonicTime now) {
  if (held_until(now)) {
    fell_at_ = now;
    return;
  }
  const auto halvings = length_.count() == 0 ? 0 : (now - fell_at_ - length_) / kHoldDownHalves;
  // Past 30 halvings nothing is left, and a shift by more than the width is no shift.
  const milliseconds decayed = halvings > 30 ? milliseconds{0} : length_ / (std::int64_t{1} << halvings);
  length_ = std::clamp<milliseconds>(decayed * 2, kHoldDownFirst, kHoldDownMax);
  fell_at_ = now;
}

std::optional<base::MonotonicTime> HoldDown::held_until(base::MonotonicTime now) const noexcept {
  const auto until = fell_at_ + length_;
  return length_.count() > 0 && now < until ? std::optional{until} : std::nullopt;
}

void ChangeLimit::note(base::MonotonicTime now) {
  std::erase_if(changes_, [&](auto at) { return now - at >= kChangeWindow; });
  changes_.push_back(now);
}

bool ChangeLimit::has_room(base::MonotonicTime now) const noexcept { return recent(now) + 1 < kChangesMax; }

std::size_t ChangeLimit::recent(base::MonotonicTime now) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(changes_.begin(), changes_.end(), [&](auto at) { return now - at < kChangeWindow; }));
}

}  // namespace meridian::policy

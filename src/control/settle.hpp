// When to read files that change: once they have been quiet for a while, and at the latest some time after
// the first change. Only arithmetic on times; one thread.
#pragma once

#include "base/clock.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace meridian::control {

class Settle {
 public:
  Settle(std::chrono::milliseconds quiet, std::chrono::milliseconds postpone_max) noexcept
      : quiet_(quiet), postpone_max_(std::max(quiet, postpone_max)) {}

  void note_change(base::MonotonicTime now) noexcept {
    if (!has_changed_) first_change_ = now;
    has_changed_ = true;
    last_change_ = now;
  }

  /// When to read; nullopt while nothing changed.
  [[nodiscard]] std::optional<base::MonotonicTime> due() const noexcept {
    if (!has_changed_) return std::nullopt;
    return std::min(last_change_ + quiet_, first_change_ + postpone_max_);
  }
  [[nodiscard]] bool is_due(base::MonotonicTime now) const noexcept { return has_changed_ && *due() <= now; }
  /// It was changing for so long that it is due though it may not be quiet.
  [[nodiscard]] bool is_overdue(base::MonotonicTime now) const noexcept {
    return has_changed_ && first_change_ + postpone_max_ <= now;
  }

  /// The files were read.
  void reset() noexcept { has_changed_ = false; }

 private:
  std::chrono::milliseconds quiet_;
  std::chrono::milliseconds postpone_max_;
  bool has_changed_ = false;
  base::MonotonicTime first_change_;
  base::MonotonicTime last_change_;
};

}  // namespace meridian::control

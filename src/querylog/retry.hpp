// When to try again what failed: after a pause that doubles up to a limit.
#pragma once

#include "base/clock.hpp"
#include "base/limits.hpp"

#include <algorithm>
#include <chrono>

namespace meridian::querylog {

class Retry {
 public:
  [[nodiscard]] bool is_due(base::MonotonicTime now) const noexcept { return now >= next_; }

  void failed(base::MonotonicTime now) noexcept {
    next_ = now + pause_;
    pause_ = std::min(2 * pause_, std::chrono::milliseconds{base::limits::kRecordRetryMaxMs});
  }

  void succeeded() noexcept { *this = Retry{}; }

 private:
  base::MonotonicTime next_{};
  std::chrono::milliseconds pause_{base::limits::kRecordRetryMinMs};
};

}  // namespace meridian::querylog

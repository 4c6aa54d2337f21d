// Time that moves only when a test says so.
#pragma once

#include "base/clock.hpp"

#include <chrono>

namespace meridian::test {

class ManualClock final : public base::Clock {
 public:
  [[nodiscard]] base::MonotonicTime monotonic() const noexcept override {
    return base::MonotonicTime{passed_};
  }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const noexcept override {
    // 2026-01-01T00:00:00Z: any fixed day does.
    return std::chrono::system_clock::from_time_t(1'767'225'600) +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(passed_);
  }

  void pass(std::chrono::nanoseconds time) { passed_ += time; }

 private:
  std::chrono::nanoseconds passed_{std::chrono::hours(1)};
};

}  // namespace meridian::test

// Time that moves only when a test says so. Any thread may read it.
#pragma once

#include "base/clock.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace meridian::test {

class ManualClock final : public base::Clock {
 public:
  [[nodiscard]] base::MonotonicTime monotonic() const noexcept override {
    return base::MonotonicTime{passed()};
  }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const noexcept override {
    // 2026-01-01T00:00:00Z: any fixed day does.
    return std::chrono::system_clock::from_time_t(1'767'225'600) +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(passed());
  }

  void pass(std::chrono::nanoseconds time) { passed_ns_ += time.count(); }

 private:
  [[nodiscard]] std::chrono::nanoseconds passed() const noexcept {
    return std::chrono::nanoseconds{passed_ns_.load()};
  }

  std::atomic<std::int64_t> passed_ns_{std::chrono::nanoseconds(std::chrono::hours(1)).count()};
};

}  // namespace meridian::test

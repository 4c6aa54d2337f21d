// Time as an input: code that needs it takes a Clock, so that tests move it by hand.
#pragma once

#include <chrono>

namespace meridian::base {

/// A steady time since an arbitrary start; never goes back.
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock>;

/// A true seam: the real clock in programs, a manual one in tests. Thread-safe.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  [[nodiscard]] virtual MonotonicTime monotonic() const noexcept = 0;
  /// For what people read and for dates in files; may jump.
  [[nodiscard]] virtual std::chrono::system_clock::time_point wall() const noexcept = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] MonotonicTime monotonic() const noexcept override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const noexcept override {
    return std::chrono::system_clock::now();
  }
};

}  // namespace meridian::base

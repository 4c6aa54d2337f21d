// Time as an input: code that needs it takes a Clock, so that tests move it by hand.
#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>

namespace meridian::base {

/// A steady time since an arbitrary start; never goes back.
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock>;

/// Both clocks to the tick of the kernel (1 to 10 ms), for the hot path: one look serves a batch of packets.
struct CoarseTime {
  std::uint64_t monotonic_ms = 0;
  std::uint32_t wall_s = 0;  ///< Since 1970, modulo 2^32 as in RFC 9018.
};

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
  /// HOT.
  [[nodiscard]] virtual CoarseTime coarse() const noexcept {
    using namespace std::chrono;
    return {.monotonic_ms = static_cast<std::uint64_t>(
                duration_cast<milliseconds>(monotonic().time_since_epoch()).count()),
            .wall_s = static_cast<std::uint32_t>(duration_cast<seconds>(wall().time_since_epoch()).count())};
  }
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] MonotonicTime monotonic() const noexcept override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const noexcept override {
    return std::chrono::system_clock::now();
  }
  /// A read of memory the kernel keeps up to date, not a look at the hardware's counter.
  [[nodiscard]] CoarseTime coarse() const noexcept override {
    timespec steady{};
    timespec wall{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &steady);
    ::clock_gettime(CLOCK_REALTIME_COARSE, &wall);
    return {.monotonic_ms = static_cast<std::uint64_t>(steady.tv_sec) * 1'000 +
                            static_cast<std::uint64_t>(steady.tv_nsec) / 1'000'000,
            .wall_s = static_cast<std::uint32_t>(wall.tv_sec)};
  }
};

}  // namespace meridian::base

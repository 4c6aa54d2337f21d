// How soon a route may come back, and how often it may change: what keeps a flapping site from being damped
// by the networks around it (RFC 2439, RFC 4786 4.4.3). Plain values; the caller says what time it is.
#pragma once

#include "base/clock.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace meridian::policy {

/// How long a route stays down after its first fall, and at most.
inline constexpr std::chrono::seconds kHoldDownFirst{30};
inline constexpr std::chrono::minutes kHoldDownMax{30};
/// Time without a fall, after the last one's hold-down, that halves the next.
inline constexpr std::chrono::minutes kHoldDownHalves{15};
/// Changes of one prefix in this time: more of them, and others begin to damp it.
inline constexpr std::chrono::minutes kChangeWindow{10};
inline constexpr std::size_t kChangesMax = 6;

class HoldDown {
 public:
  HoldDown() = default;
  /// As one that was kept: length() and fell_at() of then.
  HoldDown(std::chrono::milliseconds length, base::MonotonicTime fell_at)
      : length_(length), fell_at_(fell_at) {}

  /// The route fell by a failure: it stays where it is for twice as long as after the last fall. While it is
  /// held already it is the same fall, going on.
  void fall(base::MonotonicTime now);
  /// Nothing: it may rise.
  [[nodiscard]] std::optional<base::MonotonicTime> held_until(base::MonotonicTime now) const noexcept;
  /// How long the last fall holds it; 0: it never fell.
  [[nodiscard]] std::chrono::milliseconds length() const noexcept { return length_; }
  [[nodiscard]] base::MonotonicTime fell_at() const noexcept { return fell_at_; }

 private:
  std::chrono::milliseconds length_{0};
  base::MonotonicTime fell_at_{};
};

class ChangeLimit {
 public:
  ChangeLimit() = default;
  /// As one that was kept: times() of then.
  explicit ChangeLimit(std::vector<base::MonotonicTime> times) : changes_(std::move(times)) {}

  void note(base::MonotonicTime now);
  /// Whether a change that could wait may be made: one is always left for a withdrawal, which cannot.
  [[nodiscard]] bool has_room(base::MonotonicTime now) const noexcept;
  [[nodiscard]] std::size_t recent(base::MonotonicTime now) const noexcept;
  [[nodiscard]] const std::vector<base::MonotonicTime>& times() const noexcept { return changes_; }

 private:
  std::vector<base::MonotonicTime>
      changes_;  ///< of the last kChangeWindow, at most kChangesMax and operators'
};

}  // namespace meridian::policy

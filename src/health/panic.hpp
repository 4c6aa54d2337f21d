// One service's endpoints that go down, and how many of them may at once.
//
// When more than half of a service's capacity would go down within a minute, what failed is more likely the
// view than the servers, and if it is the servers, the rest could not carry their clients: the endpoints keep
// their previous states for two minutes, and then lose one datacenter a minute. Pure: it is told what is
// wanted and says what is kept. One thread.
#pragma once

#include "base/clock.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace meridian::health {

/// Falls this close together are one.
inline constexpr std::chrono::milliseconds kPanicWindow{60'000};
/// Longer than a network needs to find another path, short enough to bear.
inline constexpr std::chrono::milliseconds kPanicKeeps{120'000};
/// The pace at which the datacenters go behind that.
inline constexpr std::chrono::milliseconds kPanicPace{60'000};

class PanicGuard {
 public:
  struct Member {
    std::uint64_t weight = 1;
    std::uint32_t datacenter = 0;  ///< any number that tells them apart
  };

  explicit PanicGuard(std::vector<Member> members);

  /// The member's probes say that it is down, or that it is not. True: with this the service panics.
  [[nodiscard]] bool want(std::size_t member, bool is_down, base::MonotonicTime now);
  /// It was down before anybody looked: that is no fall.
  void carry_down(std::size_t member);
  /// As another guard of the same service had it.
  void carry_fall(std::size_t member, base::MonotonicTime fell_at, bool is_kept);
  void carry_panic(base::MonotonicTime next_release) { next_release_ = next_release; }

  /// Lets go what is due by now. The datacenter of which members fall; nothing: none. To be called until
  /// then.
  [[nodiscard]] std::optional<std::uint32_t> release(base::MonotonicTime now);

  [[nodiscard]] bool is_panicking() const noexcept { return next_release_.has_value(); }
  /// When the next datacenter is let go; nothing: no panic.
  [[nodiscard]] std::optional<base::MonotonicTime> next_release() const noexcept { return next_release_; }
  /// Wanted down, and keeps its previous state.
  [[nodiscard]] bool is_kept(std::size_t member) const noexcept { return falls_[member].is_kept; }
  [[nodiscard]] bool is_wanted_down(std::size_t member) const noexcept { return falls_[member].is_down; }
  [[nodiscard]] base::MonotonicTime fell_at(std::size_t member) const noexcept {
    return falls_[member].fell_at;
  }
  [[nodiscard]] std::size_t member_count() const noexcept { return members_.size(); }
  /// How much would have gone down when the panic began, of total_weight().
  [[nodiscard]] std::uint64_t falling_weight() const noexcept { return falling_weight_; }
  [[nodiscard]] std::uint64_t total_weight() const noexcept { return total_weight_; }

 private:
  struct Fall {
    bool is_down = false;
    bool is_kept = false;
    bool counts = false;  ///< among the falls of a minute
    base::MonotonicTime fell_at{};
  };

  [[nodiscard]] bool begin_if_too_many(base::MonotonicTime now);
  void end_if_nothing_kept();

  std::vector<Member> members_;
  std::vector<Fall> falls_;
  std::uint64_t total_weight_ = 0;
  std::uint64_t falling_weight_ = 0;
  std::optional<base::MonotonicTime> next_release_;
};

}  // namespace meridian::health

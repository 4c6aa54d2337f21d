// How often each of many things happened lately, in fixed memory: one bucket of tokens a key.
//
// A key is a hash; what it stands for is the caller's business. Any number of threads may call take() on one
// table: each bucket is one atomic word, nobody waits. HOT: nothing here allocates, throws or logs.
//
// A bucket is a 64-byte line of eight words:   | tag, 24 bits | debt ends at, 40 bits of 1/256 ms |
// Debt is how far the things taken so far reach into the future at the allowed rate (the generic cell rate
// algorithm, ITU-T I.371: one number instead of tokens and the time they were counted at).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace meridian::rate {

/// How much is allowed. Times are in ticks of 1/256 ms.
struct Rate {
  std::uint32_t interval = 0;  ///< between two things; 0: no limit
  std::uint32_t debt_max = 0;  ///< what a flood is charged at most for what it did not get
};

inline constexpr std::uint32_t kTicksPerSecond = 256'000;

/// `per_second` 1 to limits::kRateMax, 0 for no limit. `window_s` is 1 to
/// limits::kRateWindowSecondsMax. With 1 a flood gets the rate and no more; with w it gets nothing any more
/// until it has ended w − 1 seconds ago (what BIND calls window).
[[nodiscard]] Rate make_rate(std::uint32_t per_second, std::uint32_t window_s) noexcept;

class RateTable {
 public:
  /// Memory for `entries` keys, rounded up to a power of two, at least 8; 8 bytes each. `seed` must be
  /// secret, or attackers could choose networks that share a line with their victim.
  RateTable(std::size_t entries, std::uint64_t seed);

  /// Counts one thing for `key`. True when it is over `rate`: a second's worth may come at once, later ones
  /// only at the rate. A key that finds its line full of busier keys takes the place of the calmest.
  /// `monotonic_ms` never goes back by more than the clock's tick.
  [[nodiscard]] bool take(std::uint64_t key, const Rate& rate, std::uint64_t monotonic_ms) noexcept;

  /// As the constructor was asked.
  [[nodiscard]] std::size_t requested_entries() const noexcept { return requested_; }
  [[nodiscard]] std::size_t entries() const noexcept { return (mask_ + 1) * kLineWords; }

 private:
  static constexpr std::size_t kLineWords = 8;
  struct alignas(64) Line {
    std::array<std::atomic<std::uint64_t>, kLineWords> words{};
  };

  std::size_t requested_;
  std::size_t mask_;
  std::uint64_t seed_;
  std::unique_ptr<Line[]> lines_;
};

}  // namespace meridian::rate

// A small generator for draws that need to be even, not secret (which address comes first).
//
// HOT: a handful of instructions. One a worker; not thread-safe. SplitMix64 (Steele, Lea, Flood:
// "Fast splittable pseudorandom number generators", OOPSLA 2014).
#pragma once

#include <cstdint>

namespace meridian::base {

/// SplitMix64's finaliser: every input bit moves every output bit with probability near one half.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t value) noexcept {
  value = (value ^ (value >> 30)) * 0xbf58'476d'1ce4'e5b9;
  value = (value ^ (value >> 27)) * 0x94d0'49bb'1331'11eb;
  return value ^ (value >> 31);
}

class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed) {}

  [[nodiscard]] constexpr std::uint64_t next() noexcept { return mix(state_ += 0x9e37'79b9'7f4a'7c15); }

  /// Even over [0, bound) up to one part in 2^32; bound 1 to 2^32 (Lemire 2019, without the rejection step).
  [[nodiscard]] constexpr std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }

  friend constexpr bool operator==(const Random&, const Random&) noexcept = default;

 private:
  std::uint64_t state_;
};

}  // namespace meridian::base

// The draws that spread clients over datacenters: pure, integer only, so that every PoP on every machine
// computes the same answer from the same inputs.
//
// HOT. A draw is deterministic in (service, client unit, what is drawn for); nothing here keeps state.
#pragma once

#include "base/random.hpp"

#include <cstdint>

namespace meridian::steering {

/// Shares and healths: 0 to kFull stands for 0 to 1.
using Share = std::uint32_t;
inline constexpr Share kFull = 1u << 16;

/// `share` of `of`; something is left of something.
[[nodiscard]] constexpr Share reduced(Share of, Share share) noexcept {
  if (share == kFull || of == 0) return of;
  const auto left = static_cast<Share>(std::uint64_t{of} * share / kFull);
  return left == 0 && share != 0 ? 1 : left;
}

/// What a tier keeps of its clients, finer than a Share: a health that falls by one step must not move
/// clients of others by rounding. 0 to kWhole stands for 0 to 1.
using Fraction = std::uint32_t;
inline constexpr unsigned kFractionBits = 31;
inline constexpr Fraction kWhole = 1u << kFractionBits;

/// Who draws: a hash of the service's name and of the client's /24 or /56, or a random number where the
/// service spreads randomly.
enum class DrawKey : std::uint64_t {};

/// Even over 64 bits for each `purpose` (a datacenter's name hash), independent between purposes.
[[nodiscard]] constexpr std::uint64_t draw(DrawKey key, std::uint64_t purpose) noexcept {
  return base::mix(static_cast<std::uint64_t>(key) + base::mix(purpose + 0x9e37'79b9'7f4a'7c15));
}

/// True for `share` of all draws; the set of draws for which it holds only grows with the share.
[[nodiscard]] constexpr bool is_within(std::uint64_t drawn, Fraction share) noexcept {
  return (drawn >> (64 - kFractionBits)) < share;
}

/// −log2 of `drawn` as a fraction of 2^64, in units of 2^−24; at least 1. Error under 3·10^−6 of one unit of
/// log2.
[[nodiscard]] std::uint64_t negative_log2(std::uint64_t drawn) noexcept;

/// One candidate's ticket in a weighted rendezvous (Schindelhauer and Schomaker 2005: weight ÷ −ln u): the
/// best ticket wins with probability weight ÷ sum of weights, and a change of one weight moves only clients
/// to or from that candidate.
struct Ticket {
  std::uint64_t weight = 0;  ///< below 2^32; 0 never wins
  std::uint64_t cost = 1;    ///< negative_log2 of the candidate's draw

  [[nodiscard]] constexpr bool beats(const Ticket& other) const noexcept {
    return weight * other.cost > other.weight * cost;
  }
};

}  // namespace meridian::steering

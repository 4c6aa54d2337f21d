#include "steering/choose.hpp"

#include <bit>

namespace meridian::steering {
namespace {

[[nodiscard]] std::uint64_t multiply(std::uint64_t left, std::uint64_t right) noexcept {
  return left * right >> kFractionBits;
}

/// base^exponent, base in units of 1/kWhole. The exponent is below limits::kDatacentersMax.
[[nodiscard]] std::uint64_t power(std::uint64_t base, std::uint32_t exponent) noexcept {
  std::uint64_t result = kWhole;
  for (; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = multiply(result, base);
    base = multiply(base, base);
  }
  return result;
}

/// The winner's gap times Σ w·h ÷ its own w·h, in units of 1/kWhole; kWhole and more: nobody's share reaches
/// so far.
[[nodiscard]] std::uint64_t weighted_gap(const TierWeight& total, const Pick& pick) noexcept {
  const std::uint64_t gap = (pick.ticket.cost << kFractionBits) / pick.costs;  // cost ≤ 2^30
  // Σ w·h may have 42 bits; 32 leave room for the product and are finer than the gap is.
  const auto shift = static_cast<unsigned>(std::max(0, static_cast<int>(std::bit_width(total.healthy)) - 32));
  const std::uint64_t own = std::max<std::uint64_t>(pick.ticket.weight >> shift, 1);
  return gap * (total.healthy >> shift) / own;
}

}  // namespace

bool keeps(const TierWeight& total, const Pick& pick, Fraction share, DrawKey key) noexcept {
  if (total.members == 1) return is_within(draw(key, total.key), share);
  const std::uint64_t gap = weighted_gap(total, pick);
  return gap < kWhole && power(kWhole - gap, total.members - 1) > kWhole - share;
}

}  // namespace meridian::steering

#include "steering/spread.hpp"

#include <array>
#include <bit>
#include <cstddef>

namespace meridian::steering {
namespace {

constexpr unsigned kLog2Bits = 24;
constexpr unsigned kTableBits = 8;

/// log2(1 + i/256) in units of 2^−24, by repeated squaring (Knuth, TAOCP 1.2.2 exercise 25), at compile time
/// so that no machine's libm has a say.
consteval std::array<std::uint32_t, (1u << kTableBits) + 1> make_log2_table() {
  std::array<std::uint32_t, (1u << kTableBits) + 1> table{};
  for (std::size_t i = 0; i < (1u << kTableBits); ++i) {
    std::uint64_t x =
        (std::uint64_t{1} << 31) + (static_cast<std::uint64_t>(i) << (31 - kTableBits));  // [1, 2) in Q31
    std::uint32_t log = 0;
    for (unsigned bit = 0; bit < kLog2Bits; ++bit) {
      x = (x * x) >> 31;
      log <<= 1;
      if (x >= (std::uint64_t{1} << 32)) {
        x >>= 1;
        log |= 1;
      }
    }
    table[i] = log;
  }
  table[1u << kTableBits] = 1u << kLog2Bits;
  return table;
}

constexpr auto kLog2Table = make_log2_table();

}  // namespace

std::uint64_t negative_log2(std::uint64_t drawn) noexcept {
  const std::uint64_t value = drawn | 1;  // 0 has no logarithm
  const auto leading = static_cast<unsigned>(std::countl_zero(value));
  const std::uint64_t fraction = (value << leading) << 1;  // bits below the leading one, left-aligned
  const auto index = static_cast<std::size_t>(fraction >> (64 - kTableBits));
  const std::uint64_t rest = (fraction << kTableBits) >> 32;  // position between two table rows, Q32
  const std::uint64_t low = kLog2Table[index];
  const std::uint64_t step = kLog2Table[index + 1] - low;
  const std::uint64_t log2_of_mantissa = low + ((step * rest) >> 32);
  // drawn = mantissa · 2^(63 − leading), so −log2(drawn / 2^64) = leading + 1 − log2(mantissa).
  const std::uint64_t cost = (static_cast<std::uint64_t>(leading + 1) << kLog2Bits) - log2_of_mantissa;
  return cost == 0 ? 1 : cost;
}

}  // namespace meridian::steering

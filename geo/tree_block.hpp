// Where a walk through a tree stands: the first bits of an address, kept in registers and made a network only
// where somebody wants one.
#pragma once

#include "base/ip.hpp"

#include <cstdint>

namespace meridian::geo {

struct TreeBlock {
  base::Family family = base::Family::V4;
  std::uint8_t bits = 0;
  std::uint64_t high = 0;  ///< the first 64 bits, left-aligned; those past `bits` are zero
  std::uint64_t low = 0;   ///< the others

  operator base::IpPrefix() const noexcept {  // NOLINT(google-explicit-constructor): it is one, in other form
    base::IpPrefix prefix{.address = {family, {}}, .bits = bits};
    for (unsigned i = 0; i < 8; ++i) {
      prefix.address.bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
      prefix.address.bytes[8 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
    }
    return prefix;
  }
};

/// Bit `depth` of an address, counted from the first one, in the half that holds it.
[[nodiscard]] constexpr std::uint64_t high_bit(unsigned depth) noexcept {
  return depth < 64 ? std::uint64_t{1} << (63 - depth) : 0;
}
[[nodiscard]] constexpr std::uint64_t low_bit(unsigned depth) noexcept {
  return depth < 64 ? 0 : std::uint64_t{1} << (127 - depth);
}

}  // namespace meridian::geo

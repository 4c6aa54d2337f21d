// How much of the Internet something is about: IPv4 addresses, IPv6 /48s, and queries where their networks
// are counted. Plain values.
#pragma once

#include "base/ip.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace meridian::plan {

/// Sums of powers of two, times shares: a double holds every count of IPv4 addresses exactly, and no count of
/// /48s is needed to the last one.
struct Amount {
  double v4 = 0;      ///< addresses
  double v6 = 0;      ///< /48s; a longer block is a part of one
  double demand = 0;  ///< in the unit of the demand file

  Amount& operator+=(const Amount& other) noexcept {
    v4 += other.v4;
    v6 += other.v6;
    demand += other.demand;
    return *this;
  }
  [[nodiscard]] friend Amount operator+(Amount left, const Amount& right) noexcept { return left += right; }
  [[nodiscard]] friend Amount operator*(const Amount& amount, double part) noexcept {
    return {amount.v4 * part, amount.v6 * part, amount.demand * part};
  }
  [[nodiscard]] bool is_zero() const noexcept { return v4 == 0 && v6 == 0 && demand == 0; }
  friend bool operator==(const Amount&, const Amount&) = default;
};

/// The length of the IPv6 networks that are counted: what one site gets (RFC 6177).
inline constexpr unsigned kCountedV6Bits = 48;

/// Addresses of an IPv4 block, /48s of an IPv6 one. `bits` at most 128.
[[nodiscard]] inline double size_of(base::Family family, std::uint8_t bits) noexcept {
  // A walk asks for each of some million blocks: ldexp was a tenth of its time.
  static constexpr auto kPowers = [] {
    std::array<double, 129> powers{};  // 2^48 down to 2^-80
    double power = 281'474'976'710'656.0;
    for (auto& value : powers) {
      value = power;
      power /= 2;
    }
    return powers;
  }();
  return kPowers[bits + std::size_t{family == base::Family::V4 ? kCountedV6Bits - 32U : 0U}];
}

[[nodiscard]] inline Amount amount_of(base::Family family, std::uint8_t bits) noexcept {
  const double size = size_of(family, bits);
  return family == base::Family::V4 ? Amount{size, 0, 0} : Amount{0, size, 0};
}

/// 0 where there is nothing to take a part of.
[[nodiscard]] inline double part_of(double part, double whole) noexcept {
  return whole > 0 ? part / whole : 0;
}

/// What puts amounts in order. Where demand is counted it is what matters; address space orders what has the
/// same.
[[nodiscard]] inline std::pair<double, double> weight_of(const Amount& amount, const Amount& total) noexcept {
  return {part_of(amount.demand, total.demand), part_of(amount.v4, total.v4) + part_of(amount.v6, total.v6)};
}

}  // namespace meridian::plan

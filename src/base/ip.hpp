// IP addresses and prefixes as values: parse, print, mask, compare. HOT: masking and comparing do not
// allocate, throw or log.
#pragma once

#include "base/expected.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace meridian::base {

enum class Family : std::uint8_t { V4 = 4, V6 = 6 };

/// Width of an address: 32 or 128.
[[nodiscard]] constexpr std::uint8_t address_bits(Family family) noexcept {
  return family == Family::V4 ? 32 : 128;
}

/// An address; the bytes past the family's width are zero.
struct IpAddress {
  Family family = Family::V4;
  std::array<std::uint8_t, 16> bytes{};

  [[nodiscard]] static IpAddress v4(std::uint32_t host_order) noexcept;
  [[nodiscard]] static IpAddress v4(std::span<const std::uint8_t, 4> network_order) noexcept;
  [[nodiscard]] static IpAddress v6(std::span<const std::uint8_t, 16> network_order) noexcept;

  /// The IPv4 address in host order. Only for Family::V4.
  [[nodiscard]] std::uint32_t v4_word() const noexcept;
  /// Bits 0–63 (`half` 0) or 64–127 (`half` 1) of an IPv6 address in host order.
  [[nodiscard]] std::uint64_t v6_half(unsigned half) const noexcept;
  /// Bit `index` counted from the most significant one.
  [[nodiscard]] bool bit(unsigned index) const noexcept {
    return (bytes[index / 8] >> (7 - index % 8) & 1) != 0;
  }
  [[nodiscard]] std::span<const std::uint8_t> span() const noexcept {
    return {bytes.data(), family == Family::V4 ? std::size_t{4} : std::size_t{16}};
  }

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

/// A network: the bits past `bits` are zero.
struct IpPrefix {
  IpAddress address;
  std::uint8_t bits = 0;

  [[nodiscard]] bool contains(const IpAddress& other) const noexcept;
  [[nodiscard]] bool contains(const IpPrefix& other) const noexcept;

  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
};

/// The address with every bit past `bits` cleared.
[[nodiscard]] IpAddress masked(const IpAddress& address, std::uint8_t bits) noexcept;

/// The last address of the network.
[[nodiscard]] IpAddress last_address(const IpPrefix& prefix) noexcept;

/// Text forms of RFC 4291 and dotted quad; nullopt for anything else (no zone index, no port).
[[nodiscard]] std::optional<IpAddress> parse_ip_address(std::string_view text) noexcept;

/// `address/bits`, or a bare address as the whole address. The error says what would be right:
/// "203.0.113.7/24 has host bits set; the network is 203.0.113.0/24".
[[nodiscard]] Expected<IpPrefix, std::string> parse_ip_prefix(std::string_view text);

[[nodiscard]] std::string to_string(const IpAddress& address);
[[nodiscard]] std::string to_string(const IpPrefix& prefix);

/// The IPv4 address an IPv6 address carries, and how many bits stand before it: v4-mapped and
/// v4-compatible (RFC 4291 2.5.5), SIIT (RFC 7915), NAT64 64:ff9b::/96 (RFC 6052), 6to4 (RFC 3056:
/// 16 bits before), Teredo (RFC 4380: the client's address, inverted, in the last 32 bits).
struct CarriedV4 {
  IpAddress address;
  std::uint8_t offset_bits = 0;  ///< An IPv4 scope s is the IPv6 scope offset_bits + s.
};
[[nodiscard]] std::optional<CarriedV4> find_carried_v4(const IpAddress& address) noexcept;

/// The IPv6 networks whose addresses find_carried_v4 takes apart.
[[nodiscard]] std::span<const IpPrefix> carrier_networks() noexcept;

/// Networks that never name a public client (decision rules in docs/map-language.md): RFC 1918, RFC 6598,
/// loopback, link-local and unique-local space.
[[nodiscard]] std::span<const IpPrefix> private_networks() noexcept;
[[nodiscard]] bool is_private(const IpAddress& address) noexcept;

}  // namespace meridian::base

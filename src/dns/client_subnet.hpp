// EDNS Client Subnet (RFC 7871): the option's payload, and nothing about geography.
//
// Which network steers an answer is steering/'s business, and which networks exist is geo/'s. HOT: nothing
// here allocates, throws or logs.
#pragma once

#include "base/expected.hpp"
#include "base/ip.hpp"
#include "dns/types.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace meridian::dns {

/// The network a resolver asks on behalf of, and how much of it our answer used.
struct ClientSubnet {
  base::IpPrefix source;        ///< As received. Bits past the prefix are zero.
  std::uint8_t scope_bits = 0;  ///< Filled in by steering; 0 says "good for everyone".

  friend auto operator<=>(const ClientSubnet&, const ClientSubnet&) = default;
};

//  0        2        3        4
//  | FAMILY | SOURCE | SCOPE  | ADDRESS: ceil(SOURCE ÷ 8) bytes
inline constexpr std::size_t kClientSubnetScopeAt = 3;
inline constexpr std::size_t kClientSubnetFixedBytes = 4;
/// With an IPv6 address.
inline constexpr std::size_t kClientSubnetBytesMax = kClientSubnetFixedBytes + 16;

/// Reads a query's payload. nullopt for family 0 with nothing in it: the option is then to be ignored and not
/// echoed. FormErr for another family than IPv4 and IPv6, when the address is longer or shorter than the
/// prefix needs, has bits set past it, or a scope is given (RFC 7871, section 6).
[[nodiscard]] base::Expected<std::optional<ClientSubnet>, Rcode> parse_client_subnet(
    std::span<const std::uint8_t> payload) noexcept;

/// As parse_client_subnet, but for a reply, which has a scope.
[[nodiscard]] base::Expected<std::optional<ClientSubnet>, Rcode> parse_client_subnet_reply(
    std::span<const std::uint8_t> payload) noexcept;

/// Bytes that write_client_subnet needs: 4 to 20.
[[nodiscard]] std::size_t client_subnet_bytes(const ClientSubnet& subnet) noexcept;

/// Writes the payload of a reply: family, source prefix and address as they came, and the scope. `out` must
/// have client_subnet_bytes(); returns that number.
std::size_t write_client_subnet(std::span<std::uint8_t> out, const ClientSubnet& subnet) noexcept;

}  // namespace meridian::dns

#include "net/proxy_protocol.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <array>

namespace meridian::net {
namespace {

// +-----------+-----+--------+--------+---------+- - - - - - - - - - - - - - - - - - - - - - - -+- - - -+
// | signature | 2 | | family | length | source    destination   source port   destination port | TLVs  |
// | 12 bytes  | cmd | transp | 2 bytes| 4 or 16   4 or 16       2             2                |       |
// +-----------+-----+--------+--------+---------+- - - - - - - - - - - - - - - - - - - - - - - -+- - - -+
constexpr std::array<std::uint8_t, 12> kSignature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                  0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::size_t kFixedBytes = kSignature.size() + 4;
constexpr std::size_t kVersionAt = 12;
constexpr std::size_t kFamilyAt = 13;
constexpr std::size_t kLengthAt = 14;

constexpr std::uint8_t kLocal = 0x20;
constexpr std::uint8_t kProxy = 0x21;

std::uint16_t word_at(std::span<const std::uint8_t> bytes, std::size_t at) noexcept {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

base::IpAddress v6_or_mapped_v4(std::span<const std::uint8_t, 16> bytes) noexcept {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) return base::IpAddress::v4(bytes.last<4>());
  return base::IpAddress::v6(bytes);
}

/// `body`: what the length field announced.
base::Expected<ProxyHeader, ProxyError> parse_client(std::uint8_t family, ProxyHeader header,
                                                     std::span<const std::uint8_t> body) noexcept {
  switch (family) {
    case 0x00:  // UNSPEC: the receiver may serve it with the addresses it sees.
      return header;
    // How the client came to the proxy, TCP (1) or UDP (2), need not be how the proxy comes to us.
    case 0x11:
    case 0x12:
      if (body.size() < 12) return base::unexpected(ProxyError::Malformed);
      header.client = {.address = base::IpAddress::v4(body.first<4>()), .port = word_at(body, 8)};
      return header;
    case 0x21:
    case 0x22:
      if (body.size() < 36) return base::unexpected(ProxyError::Malformed);
      header.client = {.address = v6_or_mapped_v4(body.first<16>()), .port = word_at(body, 32)};
      return header;
    default:  // "Receivers must drop connections presenting unexpected values here"; Unix sockets are as bad.
      return base::unexpected(ProxyError::Malformed);
  }
}

}  // namespace

bool contains(const ProxyNetworks& networks, const base::IpAddress& address) noexcept {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const base::IpPrefix& network) { return network.contains(address); });
}

base::Expected<ProxyHeader, ProxyError> parse_proxy_header(std::span<const std::uint8_t> bytes) noexcept {
  // Whoever sends a bare query or the text form is found out at its first byte, not at a deadline.
  const auto compared = std::min(bytes.size(), kSignature.size());
  if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(compared), kSignature.begin())) {
    return base::unexpected(ProxyError::Malformed);
  }
  if (bytes.size() < kFixedBytes) return base::unexpected(ProxyError::Incomplete);
  const auto command = bytes[kVersionAt];
  if (command != kLocal && command != kProxy) return base::unexpected(ProxyError::Malformed);
  const std::size_t length = word_at(bytes, kLengthAt);
  ProxyHeader header{.bytes = kFixedBytes + length, .client = {}};
  if (header.bytes > base::limits::kProxyHeaderBytesMax) return base::unexpected(ProxyError::Malformed);
  if (bytes.size() < header.bytes) return base::unexpected(ProxyError::Incomplete);
  // A proxy that asks for itself, to see whether we live: its address block means nothing.
  if (command == kLocal) return header;
  return parse_client(bytes[kFamilyAt], header, bytes.subspan(kFixedBytes, length));
}

}  // namespace meridian::net

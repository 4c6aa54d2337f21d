// The PROXY protocol, version 2 (haproxy's proxy-protocol.txt, section 2.2): who the client behind a proxy
// is.
//
// The header stands before the DNS payload of a datagram, or opens a TCP connection. The binary form only:
// the text of version 1 has no use over UDP. Whom to believe is decided by the caller. HOT: nothing
// allocates.
#pragma once

#include "base/expected.hpp"
#include "base/ip.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace meridian::net {

/// The proxies whose headers are believed. Empty: a listener for clients, where no header is expected.
using ProxyNetworks = std::vector<base::IpPrefix>;

[[nodiscard]] bool contains(const ProxyNetworks& networks, const base::IpAddress& address) noexcept;

struct ProxyHeader {
  struct Client {
    base::IpAddress address;  ///< Never a v4-mapped IPv6 address.
    std::uint16_t port = 0;   ///< Host order.
  };
  std::size_t bytes = 0;         ///< The whole header: DNS begins behind it.
  std::optional<Client> client;  ///< Absent: the proxy speaks for itself (LOCAL) or does not tell (UNSPEC).
};

enum class ProxyError : std::uint8_t {
  Incomplete,  ///< Right so far, but not all of it is here. It takes at most limits::kProxyHeaderBytesMax.
  Malformed,
};

/// The header at the front of `bytes`, whatever follows it.
[[nodiscard]] base::Expected<ProxyHeader, ProxyError> parse_proxy_header(
    std::span<const std::uint8_t> bytes) noexcept;

}  // namespace meridian::net

// Listen addresses, and the way between our addresses and the kernel's. HOT: read_socket_address.
#pragma once

#include "base/ip.hpp"
#include "net/handler.hpp"

#include <sys/socket.h>

#include <compare>
#include <cstdint>
#include <string>

namespace meridian::net {

/// Where to listen, over UDP and TCP. Port 0: one the kernel chooses, the same for both.
struct ListenAddress {
  base::IpAddress address;
  std::uint16_t port = 53;

  friend auto operator<=>(const ListenAddress&, const ListenAddress&) = default;
};

/// `192.0.2.53:53`, `[2001:db8::53]:53`.
[[nodiscard]] std::string to_string(const ListenAddress& listen);

/// True for 0.0.0.0 and ::, where each query tells which of our addresses it came to.
[[nodiscard]] bool is_wildcard(const base::IpAddress& address) noexcept;

/// A socket address and the part of it that counts.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
};

[[nodiscard]] SocketAddress to_socket_address(const ListenAddress& listen) noexcept;

/// Fills `address` in place and returns the port: a copy made right after it would wait for its bytes to get
/// through the store buffer. AF_INET and AF_INET6 only; anything else is our bug.
[[nodiscard]] std::uint16_t read_socket_address(const sockaddr_storage& storage,
                                                base::IpAddress& address) noexcept;

/// The same as a value.
[[nodiscard]] ListenAddress from_socket_address(const sockaddr_storage& storage) noexcept;

}  // namespace meridian::net

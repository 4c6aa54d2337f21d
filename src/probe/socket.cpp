#include "probe/socket.hpp"

#include "net/address.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace meridian::probe {

base::Expected<net::FileDescriptor, int> open_socket(base::Family family, int type, int protocol,
                                                     const std::optional<base::IpAddress>& source) {
  const int domain = family == base::Family::V4 ? AF_INET : AF_INET6;
  net::FileDescriptor socket{::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)};
  if (!socket) return base::unexpected(int{errno});
  if (!source) return socket;
  if (type == SOCK_STREAM) {
    // Bound with a port of its own, every connection of the last minute would hold one of 28,000 ports; left
    // to connect(), ports are shared among endpoints.
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  }
  const auto from = net::to_socket_address({*source, 0});
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how the socket API takes addresses
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&from.storage), from.bytes) != 0)
    return base::unexpected(int{errno});
  return socket;
}

}  // namespace meridian::probe

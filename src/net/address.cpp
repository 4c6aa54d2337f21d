#include "net/address.hpp"

#include "base/assert.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace meridian::net {

std::string to_string(const ListenAddress& listen) {
  const auto address = base::to_string(listen.address);
  const auto port = std::to_string(listen.port);
  return listen.address.family == base::Family::V4 ? address + ':' + port : '[' + address + "]:" + port;
}

bool is_wildcard(const base::IpAddress& address) noexcept {
  return std::all_of(address.bytes.begin(), address.bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

// The kernel's structs are filled on the side and copied: storage is never read through a cast pointer.
SocketAddress to_socket_address(const ListenAddress& listen) noexcept {
  SocketAddress result;
  if (listen.address.family == base::Family::V4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(listen.port);
    std::memcpy(&v4.sin_addr, listen.address.bytes.data(), sizeof v4.sin_addr);
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.bytes = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(listen.port);
    std::memcpy(&v6.sin6_addr, listen.address.bytes.data(), sizeof v6.sin6_addr);
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.bytes = sizeof v6;
  }
  return result;
}

std::uint16_t read_socket_address(const sockaddr_storage& storage, base::IpAddress& address) noexcept {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    address.family = base::Family::V4;
    address.bytes = {};
    std::memcpy(address.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
    return ntohs(v4.sin_port);
  }
  MERIDIAN_ASSERT(storage.ss_family == AF_INET6);
  sockaddr_in6 v6{};
  std::memcpy(&v6, &storage, sizeof v6);
  address.family = base::Family::V6;
  std::memcpy(address.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
  return ntohs(v6.sin6_port);
}

ListenAddress from_socket_address(const sockaddr_storage& storage) noexcept {
  ListenAddress result;
  result.port = read_socket_address(storage, result.address);
  return result;
}

}  // namespace meridian::net

#include "net/sockets.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

namespace meridian::net {
namespace {

namespace limits = base::limits;

enum class Transport { Udp, Tcp };

/// A port the kernel chose for UDP may be taken for TCP. Sixteen misses in a row need a machine with most of
/// its ephemeral ports in use.
constexpr int kPortTriesMax = 16;

/// A socket, or errno.
using Bound = base::Expected<FileDescriptor, int>;

/// "permission denied"
std::string reason(int error) {
  auto text = std::generic_category().message(error);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

std::string advice(int error, Transport transport, const ListenAddress& listen) {
  const auto port = std::to_string(listen.port);
  switch (error) {
    case EACCES:
    case EPERM:
      return "; grant CAP_NET_BIND_SERVICE or run under the shipped unit";
    case EADDRINUSE:
      return "; another program or another listen address (such as the wildcard) holds it: see 'ss -Hlnp" +
             std::string(transport == Transport::Udp ? "u" : "t") + " sport = :" + port + "'";
    case EADDRNOTAVAIL:
      return "; no interface has this address: add it to one (a VIP to lo) or fix the listen list";
    case EAFNOSUPPORT:
      return "; this machine has no IPv6: take the address off the listen list";
    case EMFILE:
      return "; raise the limit of open files (LimitNOFILE= in the unit)";
    default:
      return "";
  }
}

BindError bind_error(int error, Transport transport, const ListenAddress& listen) {
  const std::string name = transport == Transport::Udp ? "udp " : "tcp ";
  return {.error = error,
          .message = "cannot bind " + name + to_string(listen) + ": " + reason(error) +
                     advice(error, transport, listen)};
}

bool set_option(const FileDescriptor& socket, int level, int option, int value) noexcept {
  return ::setsockopt(socket.get(), level, option, &value, sizeof value) == 0;
}

/// For options the server works without.
void try_option(const FileDescriptor& socket, int level, int option, int value) noexcept {
  static_cast<void>(set_option(socket, level, option, value));
}

Bound make_socket(const ListenAddress& listen, int type) {
  const bool v6 = listen.address.family == base::Family::V6;
  FileDescriptor socket(::socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return base::unexpected(errno);
  // Without it [::]:53 would take 0.0.0.0:53 as well, and IPv4 clients would look like ::ffff:a.b.c.d.
  if (v6 && !set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1)) return base::unexpected(errno);
  return socket;
}

Bound bind_socket(FileDescriptor socket, const ListenAddress& listen) {
  const auto address = to_socket_address(listen);
  const void* bytes = &address.storage;
  if (::bind(socket.get(), static_cast<const sockaddr*>(bytes), address.bytes) != 0)
    return base::unexpected(errno);
  return socket;
}

/// Everything a UDP socket needs but SO_REUSEPORT and the address.
bool set_udp_options(const FileDescriptor& socket, const ListenAddress& listen) {
  try_option(socket, SOL_SOCKET, SO_RCVBUF, limits::kUdpReceiveBufferBytes);
  try_option(socket, SOL_SOCKET, SO_SNDBUF, limits::kUdpSendBufferBytes);
  const bool v6 = listen.address.family == base::Family::V6;
  // RFC 9715 3.1: never set DF and never believe a forged "packet too big"; answers are small enough anyway.
  if (v6) {
    try_option(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
  } else {
    try_option(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
  }
  if (!is_wildcard(listen.address)) return true;
  // Only so can the answer leave from the address the query came to, which clients insist on.
  return v6 ? set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
            : set_option(socket, IPPROTO_IP, IP_PKTINFO, 1);
}

Bound bind_one_udp(const ListenAddress& listen, bool first) {
  auto socket = make_socket(listen, SOCK_DGRAM);
  if (!socket) return socket;
  if (!set_udp_options(*socket, listen)) return base::unexpected(errno);
  if (!first && !set_option(*socket, SOL_SOCKET, SO_REUSEPORT, 1)) return base::unexpected(errno);
  auto bound = bind_socket(std::move(*socket), listen);
  // The first one opens the address to the other workers only once it stands there alone (see the header).
  if (bound && first && !set_option(*bound, SOL_SOCKET, SO_REUSEPORT, 1)) return base::unexpected(errno);
  return bound;
}

Bound bind_one_tcp(const ListenAddress& listen) {
  auto socket = make_socket(listen, SOCK_STREAM);
  if (!socket) return socket;
  // Lets a restart bind while old connections are in TIME_WAIT; two listeners still exclude each other.
  if (!set_option(*socket, SOL_SOCKET, SO_REUSEADDR, 1)) return base::unexpected(errno);
  // Accepted sockets inherit it: answers are written whole, so Nagle could only delay them.
  try_option(*socket, IPPROTO_TCP, TCP_NODELAY, 1);
  // Also inherited, and only before listen() in time for the window that a connection starts with.
  try_option(*socket, SOL_SOCKET, SO_SNDBUF, limits::kTcpSendBufferBytes);
  try_option(*socket, SOL_SOCKET, SO_RCVBUF, limits::kTcpReceiveBufferBytes);
  auto bound = bind_socket(std::move(*socket), listen);
  if (!bound) return bound;
  // RFC 7766 6.2: saves resolvers a round trip; the kernel refuses where net.ipv4.tcp_fastopen lacks bit 2.
  try_option(*bound, IPPROTO_TCP, TCP_FASTOPEN, limits::kTcpFastOpenQueue);
  // No TCP_DEFER_ACCEPT, though it would save a read now and then: a client that has sent nothing yet would
  // be the kernel's alone for a second, outside our limits, and left hanging when the listener closes.
  if (::listen(bound->get(), limits::kTcpBacklog) != 0) return base::unexpected(errno);
  return bound;
}

base::Expected<ListenSockets, BindError> bind_listen(const ListenAddress& wanted, std::size_t workers) {
  auto udp = bind_udp(wanted, workers);
  if (!udp) return base::unexpected(udp.error());
  const auto listen = local_address(udp->front());
  auto tcp = bind_tcp(listen);
  if (!tcp) return base::unexpected(tcp.error());
  return ListenSockets{.wanted = wanted, .listen = listen, .udp = std::move(*udp), .tcp = std::move(*tcp)};
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

base::Expected<std::vector<FileDescriptor>, BindError> bind_udp(const ListenAddress& listen,
                                                                std::size_t workers) {
  std::vector<FileDescriptor> sockets;
  auto address = listen;
  for (std::size_t i = 0; i < workers; ++i) {
    auto socket = bind_one_udp(address, i == 0);
    if (!socket) return base::unexpected(bind_error(socket.error(), Transport::Udp, address));
    address = local_address(*socket);
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

base::Expected<FileDescriptor, BindError> bind_tcp(const ListenAddress& listen) {
  auto socket = bind_one_tcp(listen);
  if (!socket) return base::unexpected(bind_error(socket.error(), Transport::Tcp, listen));
  return std::move(*socket);
}

std::uint32_t dropped_count(const FileDescriptor& socket) noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t bytes = sizeof info;
  // Linux 4.12 has it; before, nothing is counted.
  static_cast<void>(::getsockopt(socket.get(), SOL_SOCKET, SO_MEMINFO, info.data(), &bytes));
  return info[SK_MEMINFO_DROPS];
}

ListenAddress local_address(const FileDescriptor& socket) noexcept {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;
  void* raw = &storage;
  MERIDIAN_ASSERT(::getsockname(socket.get(), static_cast<sockaddr*>(raw), &bytes) == 0);
  return from_socket_address(storage);
}

base::Expected<std::vector<ListenSockets>, std::string> bind_all(const std::vector<ListenAddress>& addresses,
                                                                 std::size_t workers) {
  std::vector<ListenSockets> all;
  for (const auto& wanted : addresses) {
    const int tries_max = wanted.port == 0 ? kPortTriesMax : 1;
    auto sockets = bind_listen(wanted, workers);
    for (int tries = 1; !sockets && sockets.error().error == EADDRINUSE && tries < tries_max; ++tries) {
      sockets = bind_listen(wanted, workers);
    }
    if (!sockets) return base::unexpected(std::move(sockets.error().message));
    all.push_back(std::move(*sockets));
  }
  return all;
}

}  // namespace meridian::net

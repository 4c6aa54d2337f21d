// Sockets to listen on: made, given their options and bound before any thread starts.
//
// Errors are one line for the operator: what failed, why, and what would be right. Not HOT.
#pragma once

#include "base/expected.hpp"
#include "net/address.hpp"
#include "net/listen_tally.hpp"
#include "net/proxy_protocol.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace meridian::net {

/// Owns a descriptor; closes it when it goes.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();

  [[nodiscard]] int get() const noexcept { return fd_; }
  /// Gives the descriptor away.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// A bound socket and the proxies whose PROXY headers open what comes in (none: clients come themselves).
struct ListenSocket {
  FileDescriptor socket;
  ProxyNetworks proxies = {};
  /// Never null; the cell of the thread that gets the socket. By default one that nobody reads.
  std::shared_ptr<QueryCell> queries = std::make_shared<QueryCell>();
};

struct BindError {
  int error = 0;  ///< errno, for callers that can do something about it.
  std::string message;
};

/// One socket a worker (at least one), all at the same address; the kernel spreads clients over them.
///
/// With SO_REUSEPORT alone two servers of one user would share an address without noticing. So the first
/// socket is bound without it, which fails if anybody else is there, and lets the others in afterwards.
[[nodiscard]] base::Expected<std::vector<FileDescriptor>, BindError> bind_udp(const ListenAddress& listen,
                                                                              std::size_t workers);

/// Bound and listening.
[[nodiscard]] base::Expected<FileDescriptor, BindError> bind_tcp(const ListenAddress& listen);

/// What a bound socket is bound to: the way to learn the port when 0 was asked for.
/// Datagrams the kernel has dropped before this socket, since it was made; wraps around.
[[nodiscard]] std::uint32_t dropped_count(const FileDescriptor& socket) noexcept;

[[nodiscard]] ListenAddress local_address(const FileDescriptor& socket) noexcept;

/// All sockets of one listen address.
struct ListenSockets {
  ListenAddress wanted;             ///< As it was asked for: port 0 may stand here.
  ListenAddress listen;             ///< With the real port.
  std::vector<FileDescriptor> udp;  ///< One a worker.
  FileDescriptor tcp;
  ProxyNetworks proxies = {};  ///< Set by whoever asked for the address; empty for clients.
};

/// Both transports of every address, port 0 with one port for both: every socket, or an error and none.
[[nodiscard]] base::Expected<std::vector<ListenSockets>, std::string> bind_all(
    const std::vector<ListenAddress>& addresses, std::size_t workers);

}  // namespace meridian::net

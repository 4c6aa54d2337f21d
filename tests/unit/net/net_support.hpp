// What the tests of net/ share: a handler that does as the query says, and plain blocking clients.
#pragma once

#include "base/limits.hpp"
#include "net/address.hpp"
#include "net/handler.hpp"
#include "net/sockets.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace meridian::net_test {

/// Far more than any machine needs: reached only when the code under test is broken.
inline constexpr std::chrono::seconds kPatience{20};

/// The answer to "medium": one that does not end a turn, and that small buffers do not hold.
inline constexpr std::size_t kMediumBytes = 15'000;
static_assert(kMediumBytes < base::limits::kTcpWriteBytes);

template <typename Condition>
[[nodiscard]] bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

/// What a handler saw, and a gate to hold it at.
struct Observed {
  std::atomic<std::size_t> messages{0};
  std::atomic<std::size_t> largest_batch{0};
  std::atomic<std::size_t> messages_at_mark{0};  ///< How many came before "mark".

  void hold() { set_held(true); }
  void let_go() { set_held(false); }
  /// Until the handler stands at the gate.
  [[nodiscard]] bool wait_until_waiting() {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, kPatience, [this] { return waiting; });
  }
  [[nodiscard]] net::Peer last_peer() const {
    const std::lock_guard lock(mutex);
    return peer;
  }

  mutable std::mutex mutex;
  std::condition_variable changed;
  bool held = false;
  bool waiting = false;
  net::Peer peer;

 private:
  void set_held(bool value) {
    const std::lock_guard lock(mutex);
    held = value;
    changed.notify_all();
  }
};

/// Echoes a query, as much as fits; "silent…" gets no answer, "mark" is noted, "medium…" gets kMediumBytes,
/// "large…" the largest there is room for.
class EchoHandler final : public net::BatchHandler {
 public:
  explicit EchoHandler(Observed& observed) : observed_(observed) {}

  void answer_batch(std::span<net::Exchange> batch) noexcept override {
    pass_gate(batch.front().peer);
    observed_.largest_batch = std::max(observed_.largest_batch.load(), batch.size());
    for (auto& exchange : batch) {
      const std::string query(exchange.query.begin(), exchange.query.end());
      if (query == "mark") observed_.messages_at_mark = observed_.messages.load();
      if (query.rfind("silent", 0) == 0) continue;
      const auto wanted = query.rfind("large", 0) == 0    ? exchange.reply.size()
                          : query.rfind("medium", 0) == 0 ? kMediumBytes
                                                          : query.size();
      const auto bytes = std::min(wanted, exchange.reply.size());
      std::fill_n(exchange.reply.begin(), bytes, std::uint8_t{'x'});
      std::copy_n(query.begin(), std::min(query.size(), bytes), exchange.reply.begin());
      exchange.reply_bytes = bytes;
    }
    observed_.messages += batch.size();
  }

 private:
  void pass_gate(const net::Peer& peer) {
    std::unique_lock lock(observed_.mutex);
    observed_.peer = peer;
    observed_.waiting = observed_.held;
    observed_.changed.notify_all();
    observed_.changed.wait(lock, [this] { return !observed_.held; });
    observed_.waiting = false;
  }

  Observed& observed_;
};

inline net::ListenAddress at(std::string_view address, std::uint16_t port = 0) {
  return {.address = base::parse_ip_address(address).value(), .port = port};
}

inline const sockaddr* raw(const net::SocketAddress& address) {
  const void* bytes = &address.storage;
  return static_cast<const sockaddr*>(bytes);
}

/// A blocking socket connected to a server; calls fail after kPatience.
class Client {
 public:
  Client(int type, const net::ListenAddress& server, int receive_buffer_bytes = 0)
      : socket_(::socket(server.address.family == base::Family::V4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC,
                         0)) {
    REQUIRE(socket_);
    set_patience(kPatience);
    if (receive_buffer_bytes > 0) {
      REQUIRE(::setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes) ==
              0);
    }
    const auto address = net::to_socket_address(server);
    REQUIRE(::connect(fd(), raw(address), address.bytes) == 0);
  }

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] std::uint16_t port() const { return net::local_address(socket_).port; }

  void set_patience(std::chrono::seconds patience) const {
    const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
    REQUIRE(::setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    REQUIRE(::setsockopt(fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0);
  }

  /// False when the server is gone.
  bool send(std::string_view bytes) const {
    return ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }

  /// One datagram, or whatever bytes are there; "" at the end of a stream; nullopt on an error.
  [[nodiscard]] std::optional<std::string> receive(int flags = 0) const {
    std::string bytes(70'000, '\0');
    const auto count = ::recv(fd(), bytes.data(), bytes.size(), flags);
    if (count < 0) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(count));
    return bytes;
  }

  /// One length-prefixed message; nullopt when the stream ends or breaks first.
  [[nodiscard]] std::optional<std::string> receive_message() const {
    const auto prefix = receive_exactly(2);
    if (!prefix) return std::nullopt;
    const auto high = static_cast<unsigned char>((*prefix)[0]);
    const auto low = static_cast<unsigned char>((*prefix)[1]);
    return receive_exactly(high * 256u + low);
  }

  /// True when the server closes the connection, by FIN or RST, and sends nothing before.
  [[nodiscard]] bool is_closed_by_server() const {
    const auto bytes = receive();
    return bytes ? bytes->empty() : errno == ECONNRESET;
  }

 private:
  [[nodiscard]] std::optional<std::string> receive_exactly(std::size_t count) const {
    std::string bytes(count, '\0');
    if (count > 0 && ::recv(fd(), bytes.data(), count, MSG_WAITALL) != static_cast<ssize_t>(count))
      return std::nullopt;
    return bytes;
  }

  net::FileDescriptor socket_;
};

/// A message as it goes over TCP.
inline std::string framed(std::string_view message) {
  std::string bytes;
  bytes += static_cast<char>(message.size() >> 8);
  bytes += static_cast<char>(message.size() & 0xff);
  return bytes.append(message);
}

/// A PROXY header of version 2, binary: from `client` to 198.51.100.53 or 2001:db8::53, port 53. `command` is
/// 0x21 for a client, 0x20 for the proxy itself.
inline std::string proxy_header(std::string_view client, std::uint16_t port, unsigned command = 0x21,
                                std::string_view extra = {}) {
  const auto source = base::parse_ip_address(client).value();
  const bool v4 = source.family == base::Family::V4;
  const auto target = base::parse_ip_address(v4 ? "198.51.100.53" : "2001:db8::53").value();
  const auto put_word = [](std::string& to, std::size_t word) {
    to += static_cast<char>(word >> 8);
    to += static_cast<char>(word & 0xff);
  };
  std::string body;
  for (const auto& address : {source, target}) body.append(address.span().begin(), address.span().end());
  put_word(body, port);
  put_word(body, 53);
  body += extra;
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  header += static_cast<char>(command);
  header += static_cast<char>(v4 ? 0x12 : 0x22);
  put_word(header, body.size());
  return header + body;
}

}  // namespace meridian::net_test

// DNS over TCP (RFC 7766): one thread serves the connections of every listen address.
//
// Connections take turns: in one, what came is read once, some of it is answered in order, and the answers
// leave in one write. While a client does not take its answers, nothing more is read from it.
#pragma once

#include "base/limits.hpp"
#include "net/handler.hpp"
#include "net/sockets.hpp"

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace meridian::net {

/// Defaults and reasons: base/limits.hpp. Tests use shorter ones.
struct TcpLimits {
  std::size_t connections_max = base::limits::kTcpConnectionsMax;
  std::size_t connections_per_client_max = base::limits::kTcpConnectionsPerClientMax;
  std::chrono::milliseconds idle{base::limits::kTcpIdleMs};
  std::chrono::milliseconds transfer{base::limits::kTcpTransferMs};
  std::chrono::milliseconds lifetime{base::limits::kTcpLifetimeMs};
  std::chrono::milliseconds drain{base::limits::kTcpDrainMs};
  std::chrono::milliseconds linger{base::limits::kTcpLingerMs};
};

class TcpLoop;

class TcpServer {
 public:
  /// `listeners`: made by bind_tcp. `counters` is the TCP thread's block and outlives the server.
  /// Throws std::system_error when the kernel has no descriptor left.
  TcpServer(std::vector<ListenSocket> listeners, std::unique_ptr<BatchHandler> handler,
            stats::Counters& counters, const TcpLimits& limits);
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;
  ~TcpServer();

  /// Throws std::system_error when there can be no thread.
  void start();

  /// From any thread: open connections fall under the new limits too. Those past a lower limit of their
  /// number stay until they end or until a new connection needs the room of an idle one.
  void set_limits(const TcpLimits& limits);

  /// From any thread: no connection is accepted any more, connections without a query to answer are closed,
  /// the rest has TcpLimits::drain to take its answers. Does not wait.
  void request_stop() noexcept;

  /// From any thread: connections of this listener (made by bind_tcp) are served from now on.
  void add_listener(ListenSocket listener);
  /// From any thread: takes the connections that already wait there and closes the listener.
  void remove_listener(int listener);
  /// From any thread: has the handler refresh, also where no query comes.
  void refresh();

  /// From any thread: another process accepts at the same listeners from now on. Connections that are open
  /// are served for TcpLimits::linger; then as request_stop. Does not wait.
  void request_hand_over();

  /// Waits for the thread. Bounded once a stop was requested.
  void join() noexcept;

 private:
  std::unique_ptr<TcpLoop> loop_;
  std::thread thread_;
};

}  // namespace meridian::net

// The listeners of one meridiand: binds the addresses, runs the UDP workers and the TCP thread, stops them.
//
// Knows nothing of signals, configuration or what an answer is. Use it from one thread.
#pragma once

#include "base/expected.hpp"
#include "net/address.hpp"
#include "net/handler.hpp"
#include "net/tcp_server.hpp"
#include "net/udp_worker.hpp"
#include "stats/counters.hpp"

#include <memory>
#include <string>
#include <vector>

namespace meridian::net {

/// An address that only proxies may send to, and those proxies.
struct ProxyListen {
  ListenAddress address;
  ProxyNetworks proxies;  ///< 1 to limits::kProxyNetworksMax.
};

struct ServerOptions {
  std::vector<ListenAddress> listen;  ///< 1 to limits::kListenAddressesMax, with those of `proxy_listen`.
  std::size_t udp_workers = 1;        ///< 1 to limits::kUdpWorkersMax.
  TcpLimits tcp;
  std::vector<ProxyListen> proxy_listen = {};
};

class Server {
 public:
  /// `counters` outlives the server; it gets a block per UDP worker and one for the TCP thread.
  Server(ServerOptions options, HandlerFactory make_handler, stats::CounterRegistry& counters);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Binds everything, then starts everything. On error nothing runs and nothing stays bound. The new threads
  /// inherit the caller's signal mask. Once only.
  [[nodiscard]] base::Expected<void, std::string> start();

  /// What start() bound, with real ports, in the order of ServerOptions::listen, then of proxy_listen.
  [[nodiscard]] const std::vector<ListenAddress>& addresses() const noexcept { return addresses_; }

  /// From any thread, while it runs.
  void set_tcp_limits(const TcpLimits& limits) { tcp_server_->set_limits(limits); }

  /// Answers what has arrived and ends every thread; bounded by TcpLimits::drain. May be called twice.
  void stop() noexcept;

 private:
  void make_threads(std::vector<ListenSockets> sockets);
  void start_threads();

  ServerOptions options_;
  HandlerFactory make_handler_;
  stats::CounterRegistry& counters_;
  std::vector<ListenAddress> addresses_;
  std::vector<std::unique_ptr<UdpWorker>> udp_workers_;
  std::unique_ptr<TcpServer> tcp_server_;
};

}  // namespace meridian::net

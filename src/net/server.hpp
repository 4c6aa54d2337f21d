// The listeners of one meridiand: binds the addresses, runs the UDP workers and the TCP thread, changes the
// addresses while they run, hands the sockets on, stops.
//
// Knows nothing of signals, configuration or what an answer is. Construct, start, stop and destroy on one
// thread; the rest is thread-safe between start() and stop().
#pragma once

#include "base/expected.hpp"
#include "net/address.hpp"
#include "net/handler.hpp"
#include "net/listen_tally.hpp"
#include "net/tcp_server.hpp"
#include "net/udp_worker.hpp"
#include "stats/counters.hpp"

#include <memory>
#include <mutex>
#include <optional>
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
  ///
  /// Addresses of ServerOptions::listen that stand in `inherited` take their sockets from there; those that
  /// are in `inherited` only are closed.
  [[nodiscard]] base::Expected<void, std::string> start(std::vector<ListenSockets> inherited = {});

  /// What is bound, with real ports.
  [[nodiscard]] std::vector<ListenAddress> addresses() const;

  /// What came to each of them since it was added. An address that is removed takes its count along, and one
  /// whose proxies change goes on with it.
  [[nodiscard]] std::vector<AddressQueries> queries_by_address() const;

  /// Sockets for addresses that will be added, bound and not yet served, and what will be removed.
  struct Change {
    std::vector<ListenSockets> added;
    std::vector<int> removed;  ///< Their TCP sockets, by which the server knows them.
  };
  /// What leads from what is served to these; binds what is new. On error nothing is bound. An address whose
  /// proxies changed is removed and added, with duplicates of its sockets.
  [[nodiscard]] base::Expected<Change, std::string> prepare(
      const std::vector<ListenAddress>& listen, const std::vector<ProxyListen>& proxy_listen = {});
  /// Serves what was added, then drains and closes what was removed. Addresses in neither are not touched.
  void apply(Change change);

  /// Has every thread's handler refresh.
  void refresh();

  /// Duplicates of every socket, for another process.
  [[nodiscard]] base::Expected<std::vector<ListenSockets>, std::string> duplicate_sockets() const;

  /// Another process reads the same sockets: leaves what comes to it, answers what was taken, serves the TCP
  /// connections that are open, and ends every thread. Bounded by TcpLimits::linger and drain.
  void hand_over() noexcept;

  /// From any thread, while it runs.
  void set_tcp_limits(const TcpLimits& limits) { tcp_server_->set_limits(limits); }
  /// Begins a stop, or cuts short a hand_over() that another thread waits in. Does not wait.
  void request_stop() noexcept;

  /// Answers what has arrived and ends every thread; bounded by TcpLimits::drain. May be called twice.
  void stop() noexcept;

 private:
  /// An address whose sockets belong to the threads.
  struct Listening {
    ListenAddress wanted;
    ListenAddress listen;
    ProxyNetworks proxies;
    std::vector<int> udp;  ///< The socket at place i is worker i's, modulo their number.
    int tcp = -1;
    std::shared_ptr<ListenTally> tally;
  };

  void make_threads(std::vector<ListenSockets> sockets);
  void start_threads();
  void join() noexcept;
  void serve(ListenSockets sockets);
  void remove(const Listening& one);
  [[nodiscard]] std::shared_ptr<ListenTally> tally_of(const ListenAddress& listen) const;
  [[nodiscard]] std::optional<Listening> take_out(int tcp);
  [[nodiscard]] static base::Expected<ListenSockets, std::string> duplicate_sockets_of(const Listening& one);
  [[nodiscard]] UdpWorker& worker_of(std::size_t socket_index) const noexcept;

  ServerOptions options_;
  HandlerFactory make_handler_;
  stats::CounterRegistry& counters_;
  std::vector<std::unique_ptr<UdpWorker>> udp_workers_;
  std::unique_ptr<TcpServer> tcp_server_;
  mutable std::mutex mutex_;
  std::vector<Listening> listening_;
};

}  // namespace meridian::net

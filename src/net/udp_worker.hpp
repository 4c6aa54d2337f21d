// One UDP worker: a thread with a socket per listen address, which answers what comes in batches.
//
// Workers share nothing they write. HOT, apart from start and stop. Construct, start, stop and destroy on
// one thread; only request_stop may be called from any.
#pragma once

#include "net/handler.hpp"
#include "net/sockets.hpp"
#include "net/udp_batch.hpp"

#include <poll.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace meridian::net {

class UdpWorker {
 public:
  /// `sockets`: bound by bind_udp. `counters` is this worker's block and outlives it.
  /// Throws std::system_error when the kernel has no descriptor left.
  UdpWorker(std::vector<ListenSocket> sockets, std::unique_ptr<BatchHandler> handler,
            stats::Counters& counters);
  UdpWorker(const UdpWorker&) = delete;
  UdpWorker& operator=(const UdpWorker&) = delete;
  ~UdpWorker();

  /// Throws std::system_error when there can be no thread.
  void start(WorkerIndex index);

  /// Binds the running thread to one of the cores this process may use, round robin by index. Returns 0 or
  /// errno; an unpinned worker works, only less evenly.
  [[nodiscard]] int pin(WorkerIndex index) noexcept;

  /// The worker answers what its sockets hold by now and ends. Does not wait.
  void request_stop() noexcept;

  /// Waits for the thread. Bounded once a stop was requested.
  void join() noexcept;

 private:
  void run() noexcept;
  /// A socket, and what stands before the handler where only proxies may send.
  struct Served {
    FileDescriptor socket;
    std::unique_ptr<BatchHandler> proxy_handler;
  };
  std::size_t serve_batch(const Served& served) noexcept;
  bool serve_each_socket() noexcept;
  void serve_what_is_queued() noexcept;

  std::unique_ptr<BatchHandler> handler_;
  stats::Counters& counters_;
  std::vector<Served> sockets_;
  FileDescriptor wake_;            ///< An eventfd; readable once a stop was requested.
  std::vector<pollfd> waited_on_;  ///< The sockets and wake_.
  std::unique_ptr<UdpBatch> batch_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace meridian::net

// One UDP worker: a thread with a socket per listen address, which answers what comes in batches.
//
// Workers share nothing they write. HOT, apart from start and stop. Construct, start, join and destroy on
// one thread.
#pragma once

#include "net/handler.hpp"
#include "net/sockets.hpp"
#include "net/udp_batch.hpp"

#include <poll.h>

#include <atomic>
#include <memory>
#include <mutex>
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

  /// From any thread: the worker reads this one too from now on.
  void add_socket(ListenSocket socket);
  /// From any thread: the worker answers what the socket holds by now and closes it.
  void remove_socket(int socket);
  /// From any thread: has the handler refresh, also where no query comes.
  void refresh() noexcept;

  /// The worker answers what its sockets hold by now and ends. Does not wait.
  void request_stop() noexcept;

  /// Waits for the thread. Bounded once a stop was requested.
  void join() noexcept;

 private:
  /// A socket, and what stands before the handler where only proxies may send.
  struct Served {
    FileDescriptor socket;
    std::unique_ptr<BatchHandler> proxy_handler;
    std::shared_ptr<QueryCell> queries;
    std::uint32_t drops_seen = 0;
  };

  void run() noexcept;
  void call() noexcept;
  [[nodiscard]] bool attend() noexcept;
  void take(ListenSocket socket);
  void set_waited_on();
  void close_socket(int socket) noexcept;
  std::size_t serve_batch(const Served& served) noexcept;
  bool serve_each_socket() noexcept;
  void count_drops() noexcept;
  void serve_what_is_queued(const Served& served) noexcept;

  std::unique_ptr<BatchHandler> handler_;
  stats::Counters& counters_;
  std::vector<Served> sockets_;
  FileDescriptor wake_;            ///< An eventfd; readable once there are orders.
  std::vector<pollfd> waited_on_;  ///< The sockets and wake_.
  std::unique_ptr<UdpBatch> batch_;
  std::size_t full_batches_ = 0;  ///< Since drops were counted.
  /// What other threads want. `called_` is set after a change of them, so that a batch costs one load.
  struct Orders {
    std::vector<ListenSocket> added;
    std::vector<int> removed;
    bool refresh = false;
    bool stop = false;
  };
  std::mutex mutex_;
  Orders orders_;
  std::atomic<bool> called_{false};
  std::thread thread_;
};

}  // namespace meridian::net

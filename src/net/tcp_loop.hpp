// Everything that lives on the TCP thread: who is waited for, whose turn it is, when it is enough.
//
// Internal to net/; TcpServer has the thread. Only post() may be called from another one.
#pragma once

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "net/handler.hpp"
#include "net/sockets.hpp"
#include "net/tcp_server.hpp"
#include "net/tcp_table.hpp"

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace meridian::net {

/// Plain epoll, level-triggered: one read of a socket that is known to be readable, one write, and no system
/// call to say what is waited for. That an event comes again as long as bytes are left is what lets a turn
/// end early, and the kernel reports waiting sockets in turn.
class TcpLoop {
 public:
  /// Throws std::system_error when the kernel has no descriptor left.
  TcpLoop(std::vector<ListenSocket> listeners, std::unique_ptr<BatchHandler> handler,
          stats::Counters& counters, const TcpLimits& limits);
  TcpLoop(const TcpLoop&) = delete;
  TcpLoop& operator=(const TcpLoop&) = delete;

  /// Until it was told to stop and every connection has ended.
  void run();

  /// From any thread: has the TCP thread call `order`.
  void post(std::function<void()> order);

  // On the TCP thread.
  void set_limits(const TcpLimits& limits) { limits_ = limits; }
  void refresh() { handler_->refresh(); }
  void add_listener(ListenSocket listener);
  void remove_listener(int listener);
  void begin_drain();
  void begin_linger();

 private:
  /// What to do once the buffered messages were looked at.
  enum class Step : std::uint8_t { Read, AnswerMore, Close };

  struct Listener : TcpSource {
    explicit Listener(ListenSocket listen)
        : TcpSource(Kind::Listener),
          socket(std::move(listen.socket)),
          proxies(std::move(listen.proxies)),
          queries(std::move(listen.queries)) {}
    FileDescriptor socket;
    ProxyNetworks proxies;
    std::shared_ptr<QueryCell> queries;
  };

  void watch(const FileDescriptor& socket, std::uint32_t events, TcpSource& source);
  void forget(const FileDescriptor& socket) noexcept;
  int wait_ms() const;
  void handle(const epoll_event& event);
  void take_orders();

  void accept_from(Listener& listener, int count_max);
  bool accept_one(Listener& listener);
  void note_accept_result(int error);
  void pause_accepting(bool pause);
  void admit(FileDescriptor socket, const Peer& peer, const Listener& listener);
  bool make_room_for_client(const base::IpAddress& client);
  bool make_room();

  void serve_ready();
  void read_and_answer(TcpConnection& connection);
  bool read_some(TcpConnection& connection);
  bool take_proxy_header(TcpConnection& connection);
  void answer_turn(TcpConnection& connection);
  Step answer_buffered(TcpConnection& connection);
  bool answer(TcpConnection& connection, std::span<const std::uint8_t> query);
  bool write_answers(TcpConnection& connection, Step step);
  void write_more(TcpConnection& connection);
  void settle(TcpConnection& connection, Step step);
  void close_counted(TcpConnection& connection, stats::Counter counter);
  void close(TcpConnection& connection);

  void close_listener(Listener& listener);
  void stop_listening(Listener& listener);
  void sweep();

  std::unique_ptr<BatchHandler> handler_;
  stats::Counters& counters_;
  TcpLimits limits_;
  TcpTable table_;
  /// The answers of one turn; shared, since connections take turns.
  std::vector<std::uint8_t> out_;
  std::size_t out_bytes_ = 0;
  std::uint64_t out_answers_ = 0;

  FileDescriptor poll_;
  FileDescriptor wake_fd_;  ///< An eventfd; readable once there are orders.
  TcpSource wake_source_{TcpSource::Kind::Wake};
  std::vector<TcpSource*> sources_;  ///< By descriptor: what is watched, or null.
  std::list<Listener> listeners_;
  std::array<epoll_event, base::limits::kTcpEvents> events_{};

  base::MonotonicTime now_ = std::chrono::steady_clock::now();  ///< Of this round.
  base::MonotonicTime next_sweep_ = now_;
  bool accept_failing_ = false;
  std::optional<base::MonotonicTime> accept_again_;     ///< Set while accepting pauses.
  std::optional<base::MonotonicTime> linger_deadline_;  ///< Set once handed over.
  std::optional<base::MonotonicTime> drain_deadline_;   ///< Set once stopping.

  std::mutex orders_mutex_;
  std::vector<std::function<void()>> orders_;
};

}  // namespace meridian::net

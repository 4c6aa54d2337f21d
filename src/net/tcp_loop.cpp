#include "net/tcp_loop.hpp"

#include "base/assert.hpp"
#include "base/log.hpp"
#include "net/address.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace meridian::net {
namespace {

namespace limits = base::limits;
using stats::Counter;
using std::chrono::milliseconds;

/// Deadlines are looked at this often: finer than any limit a client could notice, and nothing as load.
constexpr milliseconds kSweepPeriodMax{250};

FileDescriptor made_or_throw(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return FileDescriptor(fd);
}

}  // namespace

TcpLoop::TcpLoop(std::vector<ListenSocket> listeners, std::unique_ptr<BatchHandler> handler,
                 stats::Counters& counters, const TcpLimits& limits)
    : handler_(std::move(handler)),
      counters_(counters),
      limits_(limits),
      out_(base::limits::kTcpWriteBytes + TcpFraming::kLengthBytes + base::limits::kTcpMessageBytesMax),
      poll_(made_or_throw(::epoll_create1(EPOLL_CLOEXEC), "epoll")),
      wake_fd_(made_or_throw(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  watch(wake_fd_, EPOLLIN, wake_source_);
  for (auto& listener : listeners) add_listener(std::move(listener));
}

// --- the round -------------------------------------------------------------------------------------

void TcpLoop::run() {
  while (!drain_deadline_ || table_.size() > 0) {
    serve_ready();
    const int count = ::epoll_wait(poll_.get(), events_.data(), static_cast<int>(events_.size()), wait_ms());
    now_ = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) handle(events_[static_cast<std::size_t>(i)]);
    if (now_ >= next_sweep_) sweep();
    // Between two rounds nobody holds on to them.
    table_.bury();
    listeners_.remove_if([](const Listener& listener) { return !listener.socket; });
  }
}

/// From now on, or anew, with other `events`.
void TcpLoop::watch(const FileDescriptor& socket, std::uint32_t events, TcpSource& source) {
  const auto descriptor = static_cast<std::size_t>(socket.get());
  const int operation = source.watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (sources_.size() <= descriptor) sources_.resize(descriptor + 1);
  sources_[descriptor] = &source;
  source.watched = true;
  epoll_event event{.events = events, .data = {.fd = socket.get()}};
  // Fails for lack of memory only, and that ends the process; the rest would be our bug.
  MERIDIAN_ASSERT(::epoll_ctl(poll_.get(), operation, socket.get(), &event) == 0);
}

/// Before it is closed, which takes it out of epoll without a system call of its own. Events may come after
/// that: of the same round, and while another process has a duplicate, such as a child that starts. They find
/// nothing, or what has the descriptor by then; to that they are an event for nothing, which harms none.
void TcpLoop::forget(const FileDescriptor& socket) noexcept {
  const auto descriptor = static_cast<std::size_t>(socket.get());
  if (descriptor < sources_.size()) sources_[descriptor] = nullptr;
}

int TcpLoop::wait_ms() const {
  if (table_.count(TcpPhase::Ready) > 0) return 0;
  // Nothing has a deadline, so a server without connections never wakes up.
  const bool nothing_to_come = table_.size() == 0 && !accept_again_ && !linger_deadline_;
  if (nothing_to_come) return drain_deadline_ ? 0 : -1;
  const auto left = std::chrono::ceil<milliseconds>(next_sweep_ - now_);
  return static_cast<int>(std::clamp(left, milliseconds{0}, kSweepPeriodMax).count());
}

void TcpLoop::handle(const epoll_event& event) {
  auto* const source = sources_[static_cast<std::size_t>(event.data.fd)];
  if (source == nullptr) return;
  switch (source->kind) {
    case TcpSource::Kind::Wake:
      return take_orders();
    case TcpSource::Kind::Listener:
      accept_from(static_cast<Listener&>(*source), limits::kTcpTurnAccepts);
      return;
    case TcpSource::Kind::Connection:
      break;
  }
  auto& connection = static_cast<TcpConnection&>(*source);
  switch (connection.phase) {
    case TcpPhase::Idle:
    case TcpPhase::Reading:
      return read_and_answer(connection);
    case TcpPhase::Writing:
      return write_more(connection);
    case TcpPhase::Ready:
      return;  // Its turn comes without an event.
  }
}

void TcpLoop::take_orders() {
  std::uint64_t count = 0;
  static_cast<void>(::read(wake_fd_.get(), &count, sizeof count) < 0);
  std::vector<std::function<void()>> orders;
  {
    const std::lock_guard lock(orders_mutex_);
    orders.swap(orders_);
  }
  for (const auto& order : orders) order();
  next_sweep_ = now_;  // Shorter limits hold from now on.
}

void TcpLoop::post(std::function<void()> order) {
  {
    const std::lock_guard lock(orders_mutex_);
    orders_.push_back(std::move(order));
  }
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then it is readable anyway.
  static_cast<void>(::write(wake_fd_.get(), &one, sizeof one) < 0);
}

// --- accepting -------------------------------------------------------------------------------------

void TcpLoop::add_listener(ListenSocket listener) {
  if (drain_deadline_ || linger_deadline_) return;
  listeners_.emplace_back(std::move(listener));
  watch(listeners_.back().socket, accept_again_ ? 0u : std::uint32_t{EPOLLIN}, listeners_.back());
}

void TcpLoop::remove_listener(int listener) {
  for (auto& one : listeners_) {
    if (one.socket.get() == listener) close_listener(one);
  }
}

/// Connections the kernel accepted for us may carry queries already; closing the listener resets them.
void TcpLoop::close_listener(Listener& listener) {
  if (!listener.socket) return;
  accept_from(listener, limits::kTcpBacklog);
  stop_listening(listener);
}

void TcpLoop::stop_listening(Listener& listener) {
  if (!listener.socket) return;
  // Whom it was handed over to has a duplicate, and the kernel would tell us of its connections for ever.
  MERIDIAN_ASSERT(::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, listener.socket.get(), nullptr) == 0);
  forget(listener.socket);
  listener.socket = FileDescriptor();
}

void TcpLoop::accept_from(Listener& listener, int count_max) {
  for (int i = 0; i < count_max && accept_one(listener); ++i) {
  }
}

/// False when there is none, or none can be taken.
bool TcpLoop::accept_one(Listener& listener) {
  if (!listener.socket) return false;  // Closed in this round.
  sockaddr_storage from{};
  socklen_t bytes = sizeof from;
  void* raw = &from;
  FileDescriptor socket(
      ::accept4(listener.socket.get(), static_cast<sockaddr*>(raw), &bytes, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket && errno == EAGAIN) return false;
  // Signals, and clients that gave up in the queue, are not the server's trouble: the next one may be fine.
  if (!socket && (errno == EINTR || errno == ECONNABORTED)) return true;
  note_accept_result(socket ? 0 : errno);
  if (!socket) return false;
  const auto address = from_socket_address(from);
  admit(std::move(socket), {.address = address.address, .port = address.port, .tcp = true}, listener);
  return true;
}

void TcpLoop::note_accept_result(int error) {
  if (error != 0) {
    counters_.add(Counter::TcpAcceptErrors);
    // Out of descriptors or memory: the connection stays in the backlog, so trying at once would spin.
    pause_accepting(true);
  }
  if ((error != 0) == accept_failing_) return;
  accept_failing_ = error != 0;
  if (accept_failing_) {
    base::log_event(base::LogLevel::Warning, "tcp_accept_failing",
                    {{"error", std::generic_category().message(error)}, {"connections", table_.size()}});
  } else {
    base::log_event(base::LogLevel::Info, "tcp_accept_resumed", {{"connections", table_.size()}});
  }
}

void TcpLoop::pause_accepting(bool pause) {
  accept_again_.reset();
  if (pause) {
    accept_again_ = now_ + milliseconds{limits::kTcpAcceptPauseMs};
    next_sweep_ = std::min(next_sweep_, *accept_again_);
  }
  for (auto& listener : listeners_) {
    if (listener.socket) watch(listener.socket, pause ? 0u : std::uint32_t{EPOLLIN}, listener);
  }
}

/// Takes a new connection in, or lets it close by going out of scope.
void TcpLoop::admit(FileDescriptor socket, const Peer& peer, const Listener& listener) {
  const bool behind_proxy = !listener.proxies.empty();
  if (behind_proxy && !contains(listener.proxies, peer.address)) {
    return counters_.add(Counter::TcpProxyDenied);
  }
  // The client's own limit first: who is over it must not push out others. Behind a proxy the client is not
  // known yet, and a proxy has as many connections as it has clients.
  if (!behind_proxy && !make_room_for_client(peer.address)) {
    return counters_.add(Counter::TcpRejectedClientLimit);
  }
  if (!make_room()) return counters_.add(Counter::TcpRejectedLimit);
  counters_.add(Counter::TcpConnections);
  auto& connection = table_.open(std::move(socket), peer, now_);
  connection.queries = listener.queries;
  connection.awaits_proxy_header = behind_proxy;
  if (!behind_proxy) table_.assign_client(connection);
  // Its first turn: the query is often there already. Who is gone after that never meets epoll.
  read_and_answer(connection);
  if (connection.open && !connection.watched) watch(connection.socket, EPOLLIN, connection);
}

/// At the limit the client's own longest idle connection goes.
bool TcpLoop::make_room_for_client(const base::IpAddress& client) {
  while (table_.client_count(client) >= limits_.connections_per_client_max) {
    auto* const oldest = table_.oldest_idle_of(client);
    if (oldest == nullptr) return false;
    close_counted(*oldest, Counter::TcpEvictedClientLimit);
  }
  return true;
}

/// At the limit the longest idle connection goes (RFC 7766 6.2.3 lets servers close idle ones at any time).
bool TcpLoop::make_room() {
  while (table_.size() >= limits_.connections_max) {
    auto* const oldest = table_.oldest(TcpPhase::Idle);
    if (oldest == nullptr) return false;
    close_counted(*oldest, Counter::TcpEvicted);
  }
  return true;
}

// --- time and the end ------------------------------------------------------------------------------

void TcpLoop::sweep() {
  if (accept_again_ && now_ >= *accept_again_) pause_accepting(false);
  // An eighth of the limit bounds how late a deadline is noticed; tests set limits of milliseconds.
  next_sweep_ =
      now_ + std::clamp(std::min(limits_.idle, limits_.transfer) / 8, milliseconds{1}, kSweepPeriodMax);
  while (auto* const connection = table_.find_older(TcpPhase::Idle, now_ - limits_.idle)) {
    close_counted(*connection, Counter::TcpIdleClosed);
  }
  for (const auto phase : {TcpPhase::Reading, TcpPhase::Writing}) {
    while (auto* const connection = table_.find_older(phase, now_ - limits_.transfer)) {
      close_counted(*connection, Counter::TcpTimeouts);
    }
  }
  if (linger_deadline_ && (table_.size() == 0 || now_ >= *linger_deadline_)) begin_drain();
  if (!drain_deadline_ || now_ < *drain_deadline_) return;
  for (auto* const connection : table_.all()) close_counted(*connection, Counter::TcpTimeouts);
}

void TcpLoop::begin_drain() {
  if (drain_deadline_) return;
  for (auto& listener : listeners_) close_listener(listener);
  accept_again_.reset();
  drain_deadline_ = now_ + limits_.drain;
  for (auto* const connection : table_.all()) {
    if (connection->phase != TcpPhase::Writing) table_.enter(*connection, TcpPhase::Ready, now_);
  }
}

/// The new server accepts what waits in the backlog; here only what is open goes on.
void TcpLoop::begin_linger() {
  if (drain_deadline_ || linger_deadline_) return;
  linger_deadline_ = now_ + limits_.linger;
  for (auto& listener : listeners_) stop_listening(listener);
  accept_again_.reset();
}

}  // namespace meridian::net

#include "net/tcp_server.hpp"

#include "base/assert.hpp"
#include "base/log.hpp"
#include "net/address.hpp"
#include "net/tcp_table.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace meridian::net {
namespace {

namespace limits = base::limits;
using base::MonotonicTime;
using stats::Counter;
using std::chrono::milliseconds;

/// Deadlines are looked at this often: finer than any limit a client could notice, and nothing as load.
constexpr milliseconds kSweepPeriodMax{250};

constexpr std::size_t kLengthBytes = 2;

/// What to do once the buffered messages were looked at.
enum class Step { Read, AnswerMore, Close };

struct Listener : TcpSource {
  explicit Listener(ListenSocket listen)
      : TcpSource(Kind::Listener), socket(std::move(listen.socket)), proxies(std::move(listen.proxies)) {}
  FileDescriptor socket;
  ProxyNetworks proxies;
};

FileDescriptor made_or_throw(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return FileDescriptor(fd);
}

}  // namespace

/// Everything that lives on the TCP thread.
///
/// Plain epoll, level-triggered: one read of a socket that is known to be readable, one write, and no system
/// call to say what is waited for. That an event comes again as long as bytes are left is what lets a turn
/// end early, and the kernel reports waiting sockets in turn.
class TcpServer::Loop {
 public:
  Loop(std::vector<ListenSocket> listeners, std::unique_ptr<BatchHandler> handler, stats::Counters& counters,
       const TcpLimits& limits)
      : handler_(std::move(handler)),
        counters_(counters),
        limits_(limits),
        out_(limits::kTcpWriteBytes + kLengthBytes + limits::kTcpMessageBytesMax),
        poll_(made_or_throw(::epoll_create1(EPOLL_CLOEXEC), "epoll")),
        wake_fd_(made_or_throw(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
    watch(EPOLL_CTL_ADD, wake_fd_, EPOLLIN, wake_source_);
    for (auto& listener : listeners) add_listener(std::move(listener));
  }

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
  void watch(int operation, const FileDescriptor& socket, std::uint32_t events, TcpSource& source);
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
  void close_counted(TcpConnection& connection, Counter counter);

  void close_listener(Listener& listener);
  void let_go_of(Listener& listener);
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
  std::list<Listener> listeners_;
  std::array<epoll_event, limits::kTcpEvents> events_{};

  MonotonicTime now_ = std::chrono::steady_clock::now();  ///< Of this round.
  MonotonicTime next_sweep_ = now_;
  bool accept_failing_ = false;
  std::optional<MonotonicTime> accept_again_;     ///< Set while accepting pauses.
  std::optional<MonotonicTime> linger_deadline_;  ///< Set once handed over.
  std::optional<MonotonicTime> drain_deadline_;   ///< Set once stopping.

  std::mutex orders_mutex_;
  std::vector<std::function<void()>> orders_;
};

// --- the round -------------------------------------------------------------------------------------

void TcpServer::Loop::run() {
  while (!drain_deadline_ || table_.size() > 0) {
    serve_ready();
    const int count = ::epoll_wait(poll_.get(), events_.data(), static_cast<int>(events_.size()), wait_ms());
    now_ = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) handle(events_[static_cast<std::size_t>(i)]);
    if (now_ >= next_sweep_) sweep();
    // No event of this round is left that could point at them.
    table_.bury();
    listeners_.remove_if([](const Listener& listener) { return !listener.socket; });
  }
}

void TcpServer::Loop::watch(int operation, const FileDescriptor& socket, std::uint32_t events,
                            TcpSource& source) {
  epoll_event event{.events = events, .data = {.ptr = &source}};
  // Fails for lack of memory only, and that ends the process; the rest would be our bug.
  MERIDIAN_ASSERT(::epoll_ctl(poll_.get(), operation, socket.get(), &event) == 0);
}

int TcpServer::Loop::wait_ms() const {
  if (table_.count(TcpPhase::Ready) > 0) return 0;
  // Nothing has a deadline, so a server without connections never wakes up.
  const bool nothing_to_come = table_.size() == 0 && !accept_again_ && !linger_deadline_;
  if (nothing_to_come) return drain_deadline_ ? 0 : -1;
  const auto left = std::chrono::ceil<milliseconds>(next_sweep_ - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp(left, milliseconds{0}, kSweepPeriodMax).count());
}

void TcpServer::Loop::handle(const epoll_event& event) {
  auto& source = *static_cast<TcpSource*>(event.data.ptr);
  switch (source.kind) {
    case TcpSource::Kind::Wake:
      return take_orders();
    case TcpSource::Kind::Listener:
      accept_from(static_cast<Listener&>(source), limits::kTcpTurnAccepts);
      return;
    case TcpSource::Kind::Connection:
      break;
  }
  auto& connection = static_cast<TcpConnection&>(source);
  if (!connection.open) return;
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

void TcpServer::Loop::take_orders() {
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

void TcpServer::Loop::post(std::function<void()> order) {
  {
    const std::lock_guard lock(orders_mutex_);
    orders_.push_back(std::move(order));
  }
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then it is readable anyway.
  static_cast<void>(::write(wake_fd_.get(), &one, sizeof one) < 0);
}

// --- accepting -------------------------------------------------------------------------------------

void TcpServer::Loop::add_listener(ListenSocket listener) {
  if (drain_deadline_ || linger_deadline_) return;
  listeners_.emplace_back(std::move(listener));
  watch(EPOLL_CTL_ADD, listeners_.back().socket, accept_again_ ? 0u : std::uint32_t{EPOLLIN},
        listeners_.back());
}

void TcpServer::Loop::remove_listener(int listener) {
  for (auto& one : listeners_) {
    if (one.socket.get() == listener) close_listener(one);
  }
}

/// Connections the kernel accepted for us may carry queries already; closing the listener resets them.
void TcpServer::Loop::close_listener(Listener& listener) {
  accept_from(listener, limits::kTcpBacklog);
  let_go_of(listener);
}

/// Closing alone would leave it to the kernel to forget the listener, which it does not while another process
/// has the socket too: each of that one's clients would wake us, with a listener that is gone.
void TcpServer::Loop::let_go_of(Listener& listener) {
  if (!listener.socket) return;
  watch(EPOLL_CTL_DEL, listener.socket, 0, listener);
  listener.socket = FileDescriptor();
}

void TcpServer::Loop::accept_from(Listener& listener, int count_max) {
  for (int i = 0; i < count_max && accept_one(listener); ++i) {
  }
}

/// False when there is none, or none can be taken.
bool TcpServer::Loop::accept_one(Listener& listener) {
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

void TcpServer::Loop::note_accept_result(int error) {
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

void TcpServer::Loop::pause_accepting(bool pause) {
  accept_again_.reset();
  if (pause) {
    accept_again_ = now_ + milliseconds{limits::kTcpAcceptPauseMs};
    next_sweep_ = std::min(next_sweep_, *accept_again_);
  }
  for (auto& listener : listeners_) {
    if (listener.socket) watch(EPOLL_CTL_MOD, listener.socket, pause ? 0u : std::uint32_t{EPOLLIN}, listener);
  }
}

/// Takes a new connection in, or lets it close by going out of scope.
void TcpServer::Loop::admit(FileDescriptor socket, const Peer& peer, const Listener& listener) {
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
  connection.awaits_proxy_header = behind_proxy;
  if (!behind_proxy) table_.assign_client(connection);
  watch(EPOLL_CTL_ADD, connection.socket, EPOLLIN, connection);
}

/// At the limit the client's own longest idle connection goes.
bool TcpServer::Loop::make_room_for_client(const base::IpAddress& client) {
  while (table_.client_count(client) >= limits_.connections_per_client_max) {
    auto* const oldest = table_.oldest_idle_of(client);
    if (oldest == nullptr) return false;
    close_counted(*oldest, Counter::TcpEvictedClientLimit);
  }
  return true;
}

/// At the limit the longest idle connection goes (RFC 7766 6.2.3 lets servers close idle ones at any time).
bool TcpServer::Loop::make_room() {
  while (table_.size() >= limits_.connections_max) {
    auto* const oldest = table_.oldest(TcpPhase::Idle);
    if (oldest == nullptr) return false;
    close_counted(*oldest, Counter::TcpEvicted);
  }
  return true;
}

// --- one connection --------------------------------------------------------------------------------

/// A turn for each that was not done with its last one. Those that are not done again wait for the next
/// round.
void TcpServer::Loop::serve_ready() {
  for (auto count = table_.count(TcpPhase::Ready); count > 0; --count) {
    auto* const connection = table_.oldest(TcpPhase::Ready);
    if (connection == nullptr) return;
    answer_turn(*connection);
  }
}

void TcpServer::Loop::read_and_answer(TcpConnection& connection) {
  if (read_some(connection)) answer_turn(connection);
}

/// False when there is nothing to look at, or the connection is over.
bool TcpServer::Loop::read_some(TcpConnection& connection) {
  const auto room = connection.input.room();
  const auto bytes = ::recv(connection.socket.get(), room.data(), room.size(), MSG_DONTWAIT);
  if (bytes > 0) {
    connection.input.fill(static_cast<std::size_t>(bytes));
    return true;
  }
  if (bytes < 0 && (errno == EAGAIN || errno == EINTR) && !drain_deadline_) return false;
  // Between messages a client may leave as it likes, by FIN or by RST. When stopping it is we who leave.
  const bool broken_off = !connection.input.empty() && !(drain_deadline_ && bytes < 0);
  if (broken_off) counters_.add(Counter::TcpAborted);
  table_.close(connection);
  return false;
}

/// False when the header is not whole yet, or the connection is over.
bool TcpServer::Loop::take_proxy_header(TcpConnection& connection) {
  const auto header = parse_proxy_header(connection.input.peek());
  if (!header && header.error() == ProxyError::Incomplete) {
    settle(connection, Step::Read);
    return false;
  }
  if (!header) {
    close_counted(connection, Counter::TcpProxyMalformed);
    return false;
  }
  connection.input.skip(header->bytes);
  connection.awaits_proxy_header = false;
  if (header->client) {
    connection.peer.address = header->client->address;
    connection.peer.port = header->client->port;
  }
  if (!make_room_for_client(connection.peer.address)) {
    close_counted(connection, Counter::TcpRejectedClientLimit);
    return false;
  }
  table_.assign_client(connection);
  return true;
}

void TcpServer::Loop::answer_turn(TcpConnection& connection) {
  out_bytes_ = 0;
  out_answers_ = 0;
  if (connection.awaits_proxy_header && !take_proxy_header(connection)) return;
  const Step step = answer_buffered(connection);
  if (out_bytes_ == 0 || write_answers(connection, step)) settle(connection, step);
}

/// Answers whole messages from the input until there is enough to write or others wait for their turn.
Step TcpServer::Loop::answer_buffered(TcpConnection& connection) {
  std::span<const std::uint8_t> query;
  while (out_bytes_ < limits::kTcpWriteBytes && out_answers_ < limits::kTcpTurnQueries) {
    switch (connection.input.next(query)) {
      case TcpFraming::Next::NeedBytes:
        return Step::Read;
      case TcpFraming::Next::BadLength:
        counters_.add(Counter::TcpBadLength);
        return Step::Close;
      case TcpFraming::Next::Message:
        if (!answer(connection, query)) return Step::Close;
    }
  }
  return Step::AnswerMore;
}

bool TcpServer::Loop::answer(TcpConnection& connection, std::span<const std::uint8_t> query) {
  counters_.add(Counter::TcpQueries);
  const auto room = std::span{out_}.subspan(out_bytes_, kLengthBytes + limits::kTcpMessageBytesMax);
  Exchange exchange{
      .peer = connection.peer, .query = query, .reply = room.subspan(kLengthBytes), .reply_bytes = 0};
  handler_->answer_batch({&exchange, 1});
  const auto bytes = exchange.reply_bytes;
  MERIDIAN_ASSERT(bytes <= limits::kTcpMessageBytesMax);
  if (bytes == 0) {
    counters_.add(Counter::TcpUnanswered);
    return false;
  }
  room[0] = static_cast<std::uint8_t>(bytes >> 8);
  room[1] = static_cast<std::uint8_t>(bytes & 0xff);
  out_bytes_ += kLengthBytes + bytes;
  ++out_answers_;
  return true;
}

/// True when the kernel took them all. What it did not take waits with the connection, and `step` with it.
bool TcpServer::Loop::write_answers(TcpConnection& connection, Step step) {
  const auto answers = std::span<const std::uint8_t>{out_}.first(out_bytes_);
  const auto result = ::send(connection.socket.get(), answers.data(), answers.size(), MSG_NOSIGNAL);
  if (result < 0 && errno != EAGAIN && errno != EINTR) {
    close_counted(connection, Counter::TcpAborted);
    return false;
  }
  const auto sent = result < 0 ? 0 : static_cast<std::size_t>(result);
  if (sent == answers.size()) {
    counters_.add(Counter::TcpAnswers, out_answers_);
    return true;
  }
  const auto rest = answers.subspan(sent);
  connection.output.assign(rest.begin(), rest.end());
  connection.output_sent = 0;
  connection.output_answers = out_answers_;
  connection.closes_after_output = step == Step::Close;
  table_.enter(connection, TcpPhase::Writing, now_);
  watch(EPOLL_CTL_MOD, connection.socket, EPOLLOUT, connection);
  return false;
}

void TcpServer::Loop::write_more(TcpConnection& connection) {
  const auto rest = std::span<const std::uint8_t>{connection.output}.subspan(connection.output_sent);
  const auto result = ::send(connection.socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
  if (result < 0) {
    if (errno != EAGAIN && errno != EINTR) close_counted(connection, Counter::TcpAborted);
    return;
  }
  connection.output_sent += static_cast<std::size_t>(result);
  if (connection.output_sent < connection.output.size()) return;
  counters_.add(Counter::TcpAnswers, connection.output_answers);
  // Given back: a connection that was slow once must not hold its room for as long as it lives.
  connection.output = {};
  if (connection.closes_after_output) return table_.close(connection);
  watch(EPOLL_CTL_MOD, connection.socket, EPOLLIN, connection);
  table_.enter(connection, TcpPhase::Ready, now_);
}

/// What the connection waits for after its turn.
void TcpServer::Loop::settle(TcpConnection& connection, Step step) {
  if (step == Step::Close) return table_.close(connection);
  if (step == Step::AnswerMore) return table_.enter(connection, TcpPhase::Ready, now_);
  // Stopping: whoever has sent something that we did not read yet gets its answer first.
  if (drain_deadline_) {
    if (read_some(connection)) table_.enter(connection, TcpPhase::Ready, now_);
    return;
  }
  const auto age = now_ - connection.opened;
  // Who is never between two messages is cut off within one, after as long as a message may take.
  if (age >= (connection.input.empty() ? limits_.lifetime : limits_.lifetime + limits_.transfer)) {
    return close_counted(connection, Counter::TcpLifetimeClosed);
  }
  // A message has one deadline from its first byte on: more bytes of it do not buy more time.
  if (connection.input.empty()) {
    table_.enter(connection, TcpPhase::Idle, now_);
  } else if (connection.phase != TcpPhase::Reading || out_answers_ > 0) {
    table_.enter(connection, TcpPhase::Reading, now_);
  }
}

void TcpServer::Loop::close_counted(TcpConnection& connection, Counter counter) {
  counters_.add(counter);
  table_.close(connection);
}

// --- time and the end ------------------------------------------------------------------------------

void TcpServer::Loop::sweep() {
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

void TcpServer::Loop::begin_drain() {
  if (drain_deadline_) return;
  for (auto& listener : listeners_) close_listener(listener);
  accept_again_.reset();
  drain_deadline_ = now_ + limits_.drain;
  for (auto* const connection : table_.all()) {
    if (connection->phase != TcpPhase::Writing) table_.enter(*connection, TcpPhase::Ready, now_);
  }
}

/// The new server accepts what waits in the backlog; here only what is open goes on.
void TcpServer::Loop::begin_linger() {
  if (drain_deadline_ || linger_deadline_) return;
  linger_deadline_ = now_ + limits_.linger;
  for (auto& listener : listeners_) let_go_of(listener);
  accept_again_.reset();
}

// --- the thread ------------------------------------------------------------------------------------

TcpServer::TcpServer(std::vector<ListenSocket> listeners, std::unique_ptr<BatchHandler> handler,
                     stats::Counters& counters, const TcpLimits& limits)
    : loop_(std::make_unique<Loop>(std::move(listeners), std::move(handler), counters, limits)) {}

TcpServer::~TcpServer() {
  request_stop();
  join();
}

void TcpServer::start() {
  thread_ = std::thread([loop = loop_.get()]() noexcept { loop->run(); });
  static_cast<void>(::pthread_setname_np(thread_.native_handle(), "tcp"));
}

void TcpServer::set_limits(const TcpLimits& limits) {
  loop_->post([loop = loop_.get(), limits] { loop->set_limits(limits); });
}

void TcpServer::add_listener(ListenSocket listener) {
  // In a shared pointer, since std::function wants to be able to copy.
  auto shared = std::make_shared<ListenSocket>(std::move(listener));
  loop_->post([loop = loop_.get(), shared] { loop->add_listener(std::move(*shared)); });
}

void TcpServer::remove_listener(int listener) {
  loop_->post([loop = loop_.get(), listener] { loop->remove_listener(listener); });
}

void TcpServer::refresh() {
  loop_->post([loop = loop_.get()] { loop->refresh(); });
}

void TcpServer::request_hand_over() {
  loop_->post([loop = loop_.get()] { loop->begin_linger(); });
}

void TcpServer::request_stop() noexcept {
  loop_->post([loop = loop_.get()] { loop->begin_drain(); });
}

void TcpServer::join() noexcept {
  if (thread_.joinable()) thread_.join();
}

}  // namespace meridian::net

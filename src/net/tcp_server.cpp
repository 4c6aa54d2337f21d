#include "net/tcp_server.hpp"

#include "base/assert.hpp"
#include "base/log.hpp"
#include "net/address.hpp"
#include "net/tcp_table.hpp"

#include <pthread.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <list>
#include <optional>
#include <span>
#include <utility>

namespace meridian::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using stats::Counter;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// Deadlines are looked at this often: finer than any limit a client could notice, and nothing as load.
constexpr std::chrono::milliseconds kSweepPeriodMax{250};

/// A coroutine here ends with an exception only when memory is out, and that ends the process.
void rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

Peer to_peer(const tcp::endpoint& endpoint) noexcept {
  sockaddr_storage storage{};
  std::memcpy(&storage, endpoint.data(), endpoint.size());
  const auto from = from_socket_address(storage);
  return {.address = from.address, .port = from.port, .tcp = true};
}

/// What to do once the buffered messages were looked at.
enum class Step { Read, AnswerMore, Close };

}  // namespace

/// Everything that lives on the TCP thread.
class TcpServer::Loop {
 public:
  Loop(std::vector<FileDescriptor> listeners, std::unique_ptr<BatchHandler> handler,
       stats::Counters& counters, const TcpLimits& limits)
      : handler_(std::move(handler)),
        counters_(counters),
        limits_(limits),
        table_({.idle = limits.idle, .transfer = limits.transfer}),
        reply_(base::limits::kTcpMessageBytesMax),
        sweep_timer_(io_) {
    for (auto& listener : listeners) add_acceptor(std::move(listener));
  }

  void run() {
    for (auto one = acceptors_.begin(); one != acceptors_.end(); ++one) {
      asio::co_spawn(io_, accept_from(one), rethrow);
    }
    running_ = true;
    asio::co_spawn(io_, sweep(), rethrow);
    io_.run();
  }

  void request_stop() {
    asio::post(io_, [this] { begin_drain(); });
  }

  void request_hand_over() {
    asio::post(io_, [this] { begin_linger(); });
  }

  void add_listener(FileDescriptor listener) {
    asio::post(io_, [this, listener = std::move(listener)]() mutable {
      if (drain_deadline_ || linger_deadline_) return;
      add_acceptor(std::move(listener));
      if (running_) asio::co_spawn(io_, accept_from(std::prev(acceptors_.end())), rethrow);
    });
  }

  void remove_listener(int listener) {
    asio::post(io_, [this, listener] {
      for (auto& acceptor : acceptors_) {
        if (acceptor.native_handle() == listener) close_acceptor(acceptor);
      }
    });
  }

  void refresh() {
    asio::post(io_, [this] { handler_->refresh(); });
  }

 private:
  using Acceptors = std::list<tcp::acceptor>;

  void add_acceptor(FileDescriptor listener);
  asio::awaitable<void> accept_from(Acceptors::iterator place);
  void note_accept_result(const error_code& error);
  void admit(tcp::socket socket);
  bool make_room();
  asio::awaitable<void> serve(std::shared_ptr<TcpConnection> connection);
  Step answer_buffered(TcpConnection& connection);
  bool answer(TcpConnection& connection, std::span<const std::uint8_t> query);
  asio::awaitable<bool> flush(TcpConnection& connection);
  asio::awaitable<bool> read_more(TcpConnection& connection);
  asio::awaitable<void> sweep();
  void close_expired();
  void begin_drain();
  void begin_linger();
  void accept_backlog(tcp::acceptor& acceptor);
  void close_acceptor(tcp::acceptor& acceptor);

  std::unique_ptr<BatchHandler> handler_;
  stats::Counters& counters_;
  const TcpLimits limits_;
  TcpTable table_;
  std::vector<std::uint8_t>
      reply_;  ///< One answer; shared, since the handler is called for one query at a time.
  bool accept_failing_ = false;
  bool running_ = false;
  std::optional<base::MonotonicTime> drain_deadline_;   ///< Set once stopping.
  std::optional<base::MonotonicTime> linger_deadline_;  ///< Set once handed over.
  asio::io_context io_{1};
  asio::steady_timer sweep_timer_;
  Acceptors acceptors_;  ///< A list: coroutines hold places in it.
};

// --- accepting -------------------------------------------------------------------------------------

void TcpServer::Loop::add_acceptor(FileDescriptor listener) {
  const auto family = local_address(listener).address.family;
  acceptors_.emplace_back(io_, family == base::Family::V4 ? tcp::v4() : tcp::v6(), listener.release());
}

/// Forgets the acceptor once it was closed.
asio::awaitable<void> TcpServer::Loop::accept_from(Acceptors::iterator place) {
  auto& acceptor = *place;
  asio::steady_timer pause(io_);
  while (acceptor.is_open()) {
    auto [error, socket] = co_await acceptor.async_accept(kAwait);
    if (!error) admit(std::move(socket));
    if (!acceptor.is_open()) break;
    note_accept_result(error);
    if (!error) continue;
    // Out of descriptors or memory: the connection stays in the backlog, so trying at once would spin.
    pause.expires_after(std::chrono::milliseconds{base::limits::kTcpAcceptPauseMs});
    co_await pause.async_wait(kAwait);
  }
  acceptors_.erase(place);
}

void TcpServer::Loop::note_accept_result(const error_code& error) {
  if (error) counters_.add(Counter::TcpAcceptErrors);
  if (error.failed() == accept_failing_) return;
  accept_failing_ = error.failed();
  if (accept_failing_) {
    base::log_event(base::LogLevel::Warning, "tcp_accept_failing",
                    {{"error", error.message()}, {"connections", table_.size()}});
  } else {
    base::log_event(base::LogLevel::Info, "tcp_accept_resumed", {{"connections", table_.size()}});
  }
}

/// Takes a new connection in, or lets it close by going out of scope.
void TcpServer::Loop::admit(tcp::socket socket) {
  error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return counters_.add(Counter::TcpAborted);  // Reset before we came to it.
  const auto peer = to_peer(endpoint);
  // The client's own limit first: who is over it must not push out others.
  if (table_.client_count(peer.address) >= limits_.connections_per_client_max) {
    return counters_.add(Counter::TcpRejectedClientLimit);
  }
  if (!make_room()) return counters_.add(Counter::TcpRejectedLimit);
  counters_.add(Counter::TcpConnections);
  const auto connection = std::make_shared<TcpConnection>(std::move(socket), peer);
  table_.open(*connection);
  asio::co_spawn(io_, serve(connection), rethrow);
}

/// At the limit the longest idle connection goes (RFC 7766 6.2.3 lets servers close idle ones at any time).
bool TcpServer::Loop::make_room() {
  if (table_.size() < limits_.connections_max) return true;
  auto* const oldest = table_.oldest(TcpPhase::Idle);
  if (oldest == nullptr) return false;
  counters_.add(Counter::TcpEvicted);
  table_.close(*oldest);
  return true;
}

// --- one connection --------------------------------------------------------------------------------

asio::awaitable<void> TcpServer::Loop::serve(std::shared_ptr<TcpConnection> connection) {
  for (;;) {
    const Step step = answer_buffered(*connection);
    if (!connection->output.empty() && !co_await flush(*connection)) break;
    if (step == Step::Close) break;
    if (step == Step::Read && !co_await read_more(*connection)) break;
  }
  table_.close(*connection);
  if ((drain_deadline_ || linger_deadline_) && table_.size() == 0) sweep_timer_.cancel();
}

/// Answers whole messages from the input until there is enough to write.
Step TcpServer::Loop::answer_buffered(TcpConnection& connection) {
  std::span<const std::uint8_t> query;
  while (connection.output.size() < base::limits::kTcpWriteBytes) {
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
  Exchange exchange{.peer = connection.peer, .query = query, .reply = reply_, .reply_bytes = 0};
  handler_->answer_batch({&exchange, 1});
  const auto bytes = exchange.reply_bytes;
  MERIDIAN_ASSERT(bytes <= reply_.size());
  if (bytes == 0) {
    counters_.add(Counter::TcpUnanswered);
    return false;
  }
  auto& output = connection.output;
  const auto start = output.size();
  output.resize(start + 2 + bytes);
  output[start] = static_cast<std::uint8_t>(bytes >> 8);
  output[start + 1] = static_cast<std::uint8_t>(bytes & 0xff);
  std::memcpy(&output[start + 2], reply_.data(), bytes);
  ++connection.output_answers;
  return true;
}

/// False when the connection is over.
asio::awaitable<bool> TcpServer::Loop::flush(TcpConnection& connection) {
  table_.enter(connection, TcpPhase::Writing);
  const auto [error, bytes] =
      co_await asio::async_write(connection.socket, asio::buffer(connection.output), kAwait);
  if (!connection.open) co_return false;  // Closed while we waited, and counted there.
  if (error) {
    counters_.add(Counter::TcpAborted);
    co_return false;
  }
  counters_.add(Counter::TcpAnswers, connection.output_answers);
  connection.output_answers = 0;
  connection.output.clear();
  // One large answer must not stay allocated for as long as the connection lives.
  if (connection.output.capacity() > base::limits::kTcpWriteBytes) connection.output.shrink_to_fit();
  co_return true;
}

/// False when the connection is over.
asio::awaitable<bool> TcpServer::Loop::read_more(TcpConnection& connection) {
  // A message has one deadline from its first byte on: more bytes of it do not buy more time.
  if (connection.input.empty()) {
    table_.enter(connection, TcpPhase::Idle);
  } else if (connection.phase != TcpPhase::Reading) {
    table_.enter(connection, TcpPhase::Reading);
  }
  error_code ignored;
  if (drain_deadline_ && connection.socket.available(ignored) == 0) co_return false;
  const auto room = connection.input.room();
  const auto [error, bytes] =
      co_await connection.socket.async_read_some(asio::buffer(room.data(), room.size()), kAwait);
  if (!connection.open) co_return false;
  if (error) {
    // Between messages a client may leave as it likes, by FIN or by RST. We cancel reads ourselves when
    // stopping.
    const bool broken_off = !connection.input.empty() && error != asio::error::operation_aborted;
    if (broken_off) counters_.add(Counter::TcpAborted);
    co_return false;
  }
  connection.input.fill(bytes);
  co_return true;
}

// --- time and the end ------------------------------------------------------------------------------

asio::awaitable<void> TcpServer::Loop::sweep() {
  // An eighth of the limit bounds how late a deadline is noticed; tests set limits of milliseconds.
  const auto period =
      std::clamp(std::min(limits_.idle, limits_.transfer) / 8, std::chrono::milliseconds{1}, kSweepPeriodMax);
  while (!drain_deadline_ || table_.size() > 0) {
    sweep_timer_.expires_after(period);
    co_await sweep_timer_.async_wait(kAwait);
    close_expired();
  }
}

void TcpServer::Loop::close_expired() {
  while (auto* const connection = table_.find_expired(TcpPhase::Idle)) {
    counters_.add(Counter::TcpIdleClosed);
    table_.close(*connection);
  }
  for (const auto phase : {TcpPhase::Reading, TcpPhase::Writing}) {
    while (auto* const connection = table_.find_expired(phase)) {
      counters_.add(Counter::TcpTimeouts);
      table_.close(*connection);
    }
  }
  const auto now = std::chrono::steady_clock::now();
  if (linger_deadline_ && (table_.size() == 0 || now >= *linger_deadline_)) begin_drain();
  if (!drain_deadline_ || now < *drain_deadline_) return;
  for (auto* const connection : table_.all()) {
    counters_.add(Counter::TcpTimeouts);
    table_.close(*connection);
  }
}

void TcpServer::Loop::begin_drain() {
  if (drain_deadline_) return;
  drain_deadline_ = std::chrono::steady_clock::now() + limits_.drain;
  for (auto& acceptor : acceptors_) {
    if (acceptor.is_open()) close_acceptor(acceptor);
  }
  for (auto* const connection : table_.all()) {
    error_code ignored;
    // Whoever has sent something that we did not read yet gets its answer first. The rest is cancelled, not
    // closed: a read that is done but whose coroutine has not run yet then still delivers its query.
    const bool waits_for_us =
        connection->phase == TcpPhase::Writing || connection->socket.available(ignored) > 0;
    if (!waits_for_us) connection->socket.cancel(ignored);
  }
  if (table_.size() == 0) sweep_timer_.cancel();
}

/// The new server accepts what waits in the backlog; here only what is open goes on.
void TcpServer::Loop::begin_linger() {
  if (drain_deadline_ || linger_deadline_) return;
  linger_deadline_ = std::chrono::steady_clock::now() + limits_.linger;
  for (auto& acceptor : acceptors_) {
    error_code ignored;
    acceptor.close(ignored);
  }
  sweep_timer_.cancel();
}

void TcpServer::Loop::close_acceptor(tcp::acceptor& acceptor) {
  accept_backlog(acceptor);
  error_code ignored;
  acceptor.close(ignored);
}

/// Connections the kernel accepted for us may carry queries already; closing the listener resets them.
void TcpServer::Loop::accept_backlog(tcp::acceptor& acceptor) {
  error_code error;
  acceptor.non_blocking(true, error);
  for (int i = 0; !error && i < base::limits::kTcpBacklog; ++i) {
    tcp::socket socket(io_);
    acceptor.accept(socket, error);
    if (!error) admit(std::move(socket));
  }
}

// --- the thread ------------------------------------------------------------------------------------

TcpServer::TcpServer(std::vector<FileDescriptor> listeners, std::unique_ptr<BatchHandler> handler,
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

void TcpServer::request_stop() noexcept { loop_->request_stop(); }

void TcpServer::request_hand_over() { loop_->request_hand_over(); }

void TcpServer::add_listener(FileDescriptor listener) { loop_->add_listener(std::move(listener)); }

void TcpServer::remove_listener(int listener) { loop_->remove_listener(listener); }

void TcpServer::refresh() { loop_->refresh(); }

void TcpServer::join() noexcept {
  if (thread_.joinable()) thread_.join();
}

}  // namespace meridian::net

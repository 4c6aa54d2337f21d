// One connection's turn: read once, answer some, write once. The rest of TcpLoop is in tcp_loop.cpp.
#include "base/assert.hpp"
#include "net/tcp_loop.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace meridian::net {

namespace limits = base::limits;
using stats::Counter;

/// A turn for each that was not done with its last one. Those that are not done again wait for the next
/// round.
void TcpLoop::serve_ready() {
  for (auto count = table_.count(TcpPhase::Ready); count > 0; --count) {
    auto* const connection = table_.oldest(TcpPhase::Ready);
    if (connection == nullptr) return;
    answer_turn(*connection);
  }
}

void TcpLoop::read_and_answer(TcpConnection& connection) {
  if (read_some(connection)) answer_turn(connection);
}

/// False when there is nothing to look at, or the connection is over.
bool TcpLoop::read_some(TcpConnection& connection) {
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
  close(connection);
  return false;
}

/// False when the header is not whole yet, or the connection is over.
bool TcpLoop::take_proxy_header(TcpConnection& connection) {
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

void TcpLoop::answer_turn(TcpConnection& connection) {
  out_bytes_ = 0;
  out_answers_ = 0;
  if (connection.awaits_proxy_header && !take_proxy_header(connection)) return;
  const Step step = answer_buffered(connection);
  if (out_bytes_ == 0 || write_answers(connection, step)) settle(connection, step);
}

/// Answers whole messages from the input until there is enough to write or others wait for their turn.
TcpLoop::Step TcpLoop::answer_buffered(TcpConnection& connection) {
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

bool TcpLoop::answer(TcpConnection& connection, std::span<const std::uint8_t> query) {
  counters_.add(Counter::TcpQueries);
  connection.queries->add(1);
  const auto room =
      std::span{out_}.subspan(out_bytes_, TcpFraming::kLengthBytes + limits::kTcpMessageBytesMax);
  Exchange exchange{.peer = connection.peer,
                    .query = query,
                    .reply = room.subspan(TcpFraming::kLengthBytes),
                    .reply_bytes = 0};
  handler_->answer_batch({&exchange, 1});
  const auto bytes = exchange.reply_bytes;
  MERIDIAN_ASSERT(bytes <= limits::kTcpMessageBytesMax);
  if (bytes == 0) {
    counters_.add(Counter::TcpUnanswered);
    return false;
  }
  room[0] = static_cast<std::uint8_t>(bytes >> 8);
  room[1] = static_cast<std::uint8_t>(bytes & 0xff);
  out_bytes_ += TcpFraming::kLengthBytes + bytes;
  ++out_answers_;
  return true;
}

/// True when the kernel took them all. What it did not take waits with the connection, and `step` with it.
bool TcpLoop::write_answers(TcpConnection& connection, Step step) {
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
  watch(connection.socket, EPOLLOUT, connection);
  return false;
}

void TcpLoop::write_more(TcpConnection& connection) {
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
  if (connection.closes_after_output) return close(connection);
  watch(connection.socket, EPOLLIN, connection);
  table_.enter(connection, TcpPhase::Ready, now_);
}

/// What the connection waits for after its turn.
void TcpLoop::settle(TcpConnection& connection, Step step) {
  if (step == Step::Close) return close(connection);
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

void TcpLoop::close_counted(TcpConnection& connection, Counter counter) {
  counters_.add(counter);
  close(connection);
}

void TcpLoop::close(TcpConnection& connection) {
  if (!connection.open) return;
  forget(connection.socket);
  table_.close(connection);
}

}  // namespace meridian::net

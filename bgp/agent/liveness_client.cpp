#include "bgp/agent/liveness_client.hpp"

#include "net/unix_client.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace meridian::agent {

using boost::system::error_code;
using policy::Server;
using std::chrono::milliseconds;

LivenessClient::LivenessClient(boost::asio::io_context& context, const base::Clock& clock, std::string path,
                               std::function<void()> on_news, LivenessTimes times)
    : clock_(clock),
      path_(std::move(path)),
      on_news_(std::move(on_news)),
      times_(times),
      socket_(context),
      timer_(context),
      room_(kLivenessBytesMax) {}

void LivenessClient::start() {
  heard_at_ = clock_.monotonic();
  connect();
}

/// A server that has just ended may still take connections, which then end before a word: so on until one
/// stays, or nobody is there.
void LivenessClient::connect() {
  auto connection = net::connect_unix(path_, SOCK_SEQPACKET);
  if (connection) {
    socket_.assign(connection->release());
    await_packet();
    wake_after(times_.silence);
    // It may have been closed already; who looks now knows it in this very turn.
    return take_packets();
  }
  const auto why = fmt::format("{}: {}", path_, connection.error().message());
  const bool is_gone = connection.error() == std::errc::connection_refused ||
                       connection.error() == std::errc::no_such_file_or_directory;
  wake_after(times_.retry);
  if (is_gone) return settle(Server::Gone, "nobody takes connections at " + why);
  // Not its end: a server that hangs has a full queue, and of other errors the agent is the cause.
  if (clock_.monotonic() - heard_at_ >= times_.silence || state_ == Server::Gone)
    settle(Server::Unknown, "cannot connect to " + why);
}

void LivenessClient::await_packet() {
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](error_code ended) {
    if (ended) return;
    await_packet();
    take_packets();
  });
}

void LivenessClient::take_packets() {
  while (socket_.is_open()) {
    const auto size = ::recv(socket_.native_handle(), room_.data(), room_.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) return on_end();
    heard_at_ = clock_.monotonic();
    wordless_ends_ = 0;
    wake_after(times_.silence);
    const auto bytes = static_cast<std::size_t>(size);
    if (bytes > room_.size()) {
      settle(Server::Unknown, fmt::format("a report has {} bytes, more than {}", bytes, room_.size()));
    } else {
      take_report({room_.data(), bytes});
    }
  }
}

void LivenessClient::take_report(std::string_view text) {
  auto report = parse_liveness(text);
  if (!report) return settle(Server::Unknown, "cannot read what meridiand says: " + report.error());
  const bool is_ready = report->is_ready;
  report_ = std::move(*report);
  state_ = is_ready ? Server::Ready : Server::NotReady;
  fault_ = is_ready ? "" : "meridiand is not ready yet";
  on_news_();
}

void LivenessClient::on_end() {
  error_code ignored;
  socket_.close(ignored);
  if (++wordless_ends_ <= kWordlessEndsMax) return connect();
  settle(Server::Unknown, "meridiand closes connections at once");
  wake_after(times_.retry);
}

void LivenessClient::wake_after(milliseconds time) {
  timer_.expires_after(time);
  timer_.async_wait([this](error_code ended) {
    if (!ended) on_wake();
  });
}

void LivenessClient::on_wake() {
  if (!socket_.is_open()) return connect();
  settle(Server::Unknown, fmt::format("meridiand has said nothing for {} ms", times_.silence.count()));
  wake_after(times_.silence);
}

void LivenessClient::settle(Server state, std::string fault) {
  const bool is_news = std::exchange(state_, state) != state || fault_ != fault;
  fault_ = std::move(fault);
  if (is_news) on_news_();
}

}  // namespace meridian::agent

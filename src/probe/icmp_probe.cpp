#include "probe/icmp_probe.hpp"

#include "base/limits.hpp"
#include "base/random.hpp"
#include "base/secret_bytes.hpp"
#include "net/address.hpp"
#include "probe/cause.hpp"
#include "probe/icmp_echo.hpp"
#include "probe/socket.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace meridian::probe {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

std::uint64_t draw_token() {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes;
  base::fill_secret(bytes);
  std::uint64_t token = 0;
  std::memcpy(&token, bytes.data(), sizeof token);
  return token;
}

std::string open_cause(int error) {
  if (error == EACCES || error == EPERM) {
    return "icmp: not permitted; net.ipv4.ping_group_range must hold the server's group";
  }
  return "icmp: " + error_words(error);
}

}  // namespace

/// A ping on its way.
struct IcmpProber::Ping {
  Ping(ProbeId ping_id, asio::io_context& context, const base::IpAddress& to, Done when_done)
      : id(ping_id), address(to), done(std::move(when_done)), timer(context) {}

  ProbeId id;
  base::IpAddress address;
  Done done;
  asio::steady_timer timer;
  base::MonotonicTime started;
  Echo echo;
  std::shared_ptr<PingSocket> socket;  ///< nullptr: it never was sent
};

/// A socket, and who waits for its replies.
class IcmpProber::PingSocket : public std::enable_shared_from_this<PingSocket> {
 public:
  PingSocket(asio::io_context& context, net::FileDescriptor socket, base::Family family)
      : descriptor_(context, socket.release()), family_(family) {
    ::setsockopt(descriptor_.native_handle(), SOL_SOCKET, SO_RCVBUF, &base::limits::kProbePingBufferBytes,
                 sizeof base::limits::kProbePingBufferBytes);
  }

  /// 0, or an errno.
  [[nodiscard]] int send(Ping& ping) {
    // In-flight probes are far fewer than sequences, so a free one is near.
    do ++sequence_;
    while (waiting_.contains(sequence_));
    ping.echo = {.sequence = sequence_, .token = draw_token()};
    const auto packet = write_echo_request(family_, ping.echo);
    const auto to = net::to_socket_address({ping.address, 0});
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how the socket API takes addresses
    const auto* const name = reinterpret_cast<const sockaddr*>(&to.storage);
    if (::sendto(descriptor_.native_handle(), packet.data(), packet.size(), 0, name, to.bytes) < 0)
      return errno;
    waiting_.emplace(sequence_, &ping);
    return 0;
  }

  void forget(const Ping& ping) { waiting_.erase(ping.echo.sequence); }
  [[nodiscard]] bool is_idle() const noexcept { return waiting_.empty(); }

  /// Waits for replies until closed. `on_reply` gets each ping that has one.
  template <typename OnReply>
  void receive(OnReply on_reply) {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this(), on_reply](error_code error) {
                             if (error) return;
                             self->take_replies(on_reply);
                             if (self->descriptor_.is_open()) self->receive(on_reply);
                           });
  }

  void close() {
    error_code ignored;
    descriptor_.close(ignored);
  }

 private:
  template <typename OnReply>
  void take_replies(const OnReply& on_reply) {
    // One byte more than a reply has, so that longer ones are seen to be longer.
    std::array<std::uint8_t, kEchoBytes + 1> packet;
    for (std::size_t left = base::limits::kProbePingBatch; left > 0; --left) {
      sockaddr_storage from{};
      socklen_t from_bytes = sizeof from;
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how the socket API gives addresses
      auto* const name = reinterpret_cast<sockaddr*>(&from);
      const ssize_t size =
          ::recvfrom(descriptor_.native_handle(), packet.data(), packet.size(), 0, name, &from_bytes);
      if (size < 0) return;
      const auto echo = read_echo_reply(family_, std::span{packet}.first(static_cast<std::size_t>(size)));
      if (!echo) continue;
      const auto found = waiting_.find(echo->sequence);
      if (found == waiting_.end() || found->second->echo != *echo) continue;
      if (net::from_socket_address(from).address != found->second->address) continue;
      on_reply(*found->second);
      if (!descriptor_.is_open()) return;
    }
  }

  asio::posix::stream_descriptor descriptor_;
  base::Family family_;
  std::uint16_t sequence_ = 0;
  std::unordered_map<std::uint16_t, Ping*> waiting_;
};

IcmpProber::IcmpProber(asio::io_context& context, const base::Clock& clock)
    : context_(context), clock_(clock) {}

IcmpProber::~IcmpProber() {
  for (auto& [key, socket] : sockets_) socket->close();
}

std::shared_ptr<IcmpProber::PingSocket> IcmpProber::socket_for(const SocketKey& key) {
  if (const auto found = sockets_.find(key); found != sockets_.end()) return found->second;
  const auto& [family, source] = key;
  const int protocol = family == base::Family::V4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  auto opened = open_socket(family, SOCK_DGRAM, protocol, source);
  if (!opened) {
    errno = opened.error();
    return nullptr;
  }
  auto socket = std::make_shared<PingSocket>(context_, std::move(*opened), family);
  socket->receive([this](Ping& ping) { finish(ping, success()); });
  return sockets_.emplace(key, std::move(socket)).first->second;
}

ProbeId IcmpProber::start(const Target& target, Done done) {
  const auto id = ProbeId{++last_id_};
  Ping& ping = *pings_.emplace(id, std::make_unique<Ping>(id, context_, target.address, std::move(done)))
                    .first->second;
  ping.started = clock_.monotonic();
  const auto family = target.address.family;
  const auto fail_later = [this, id](std::string cause) {
    asio::post(context_, [this, id, cause = std::move(cause)] {
      if (const auto found = pings_.find(id); found != pings_.end()) finish(*found->second, failure(cause));
    });
  };
  const auto socket = socket_for({family, source_of(*target.check, family)});
  if (!socket) {
    fail_later(open_cause(errno));
    return id;
  }
  if (const int error = socket->send(ping); error != 0) {
    fail_later("send: " + error_words(error));
    return id;
  }
  ping.socket = socket;
  const milliseconds timeout{target.check->timeout_ms};
  ping.timer.expires_after(timeout);
  ping.timer.async_wait([this, id, timeout](error_code ended) {
    if (ended) return;
    const auto found = pings_.find(id);
    if (found != pings_.end()) finish(*found->second, failure(timeout_cause("icmp", timeout)));
  });
  return id;
}

void IcmpProber::finish(Ping& ping, health::ProbeResult result) {
  const auto found = pings_.find(ping.id);
  const auto owned = std::move(found->second);
  pings_.erase(found);
  if (owned->socket) owned->socket->forget(*owned);
  result.took = std::chrono::duration_cast<std::chrono::microseconds>(clock_.monotonic() - owned->started);
  owned->done(std::move(result));
}

void IcmpProber::cancel(ProbeId id) {
  const auto found = pings_.find(id);
  if (found == pings_.end()) return;
  if (found->second->socket) found->second->socket->forget(*found->second);
  pings_.erase(found);
}

void IcmpProber::forget_checks() {
  std::erase_if(sockets_, [](const auto& entry) {
    if (!entry.second->is_idle()) return false;
    entry.second->close();
    return true;
  });
}

}  // namespace meridian::probe

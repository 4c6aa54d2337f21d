#include "probe/dns_probe.hpp"

#include "base/limits.hpp"
#include "dns/client.hpp"
#include "net/address.hpp"
#include "probe/cause.hpp"
#include "probe/dns_reply.hpp"
#include "probe/socket.hpp"

#include <sys/socket.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace meridian::probe {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

/// Before each message over TCP (RFC 1035 4.2.2).
constexpr std::size_t kLengthBytes = 2;

}  // namespace

struct DnsProber::Plan {
  explicit Plan(std::shared_ptr<const config::Check> made_of)
      : check(std::move(made_of)), question(DnsQuestion::make(check->dns)) {}

  std::shared_ptr<const config::Check> check;
  base::Expected<DnsQuestion, std::string> question;
};

class DnsProber::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(DnsProber& prober, ProbeId id, std::shared_ptr<Plan> plan, const base::IpAddress& address,
          Done done)
      : prober_(prober),
        id_(id),
        plan_(std::move(plan)),
        check_(*plan_->check),
        address_(address),
        done_(std::move(done)),
        socket_(prober.context_),
        timer_(prober.context_) {}

  void start() {
    started_ = prober_.clock_.monotonic();
    if (!plan_->question) return fail_later(plan_->question.error());
    const bool is_tcp = check_.dns.tcp;
    auto socket = open_socket(address_.family, is_tcp ? SOCK_STREAM : SOCK_DGRAM, 0,
                              source_of(check_, address_.family));
    if (!socket) return fail_later(connect_cause(socket.error()));
    const auto to = net::to_socket_address({address_, port_of(check_)});
    // Connected over UDP as well: the kernel then drops what comes from elsewhere, and tells of a closed
    // port. NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how the socket API takes addresses
    const auto* const name = reinterpret_cast<const sockaddr*>(&to.storage);
    const int connected = ::connect(socket->get(), name, to.bytes);
    if (connected != 0 && errno != EINPROGRESS) return fail_later(connect_cause(errno));
    socket_.assign(socket->release());
    query_id_ = dns::draw_query_id();
    query_ = plan_->question->write_query(query_id_);
    timer_.expires_after(milliseconds{check_.timeout_ms});
    timer_.async_wait([self = shared_from_this()](error_code ended) {
      if (!ended) self->on_timeout();
    });
    if (is_tcp) return send_over_tcp();
    send_over_udp();
  }

  void cancel() {
    done_ = {};
    close();
  }

 private:
  void send_over_udp() {
    if (::send(socket_.native_handle(), query_.data(), query_.size(), MSG_NOSIGNAL) < 0)
      return fail_later("send: " + error_words(errno));
    phase_ = "answer";
    room_.resize(base::limits::kUdpAnswerBytesMax);
    await_datagram();
  }

  void await_datagram() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](error_code) { self->take_datagram(); });
  }

  void take_datagram() {
    if (!done_) return;
    const ssize_t size = ::recv(socket_.native_handle(), room_.data(), room_.size(), 0);
    if (size < 0 && errno != EAGAIN) return fail("answer: " + error_words(errno));
    const auto packet =
        std::span<const std::uint8_t>{room_}.first(size < 0 ? 0 : static_cast<std::size_t>(size));
    if (size >= 0 && plan_->question->is_reply(query_id_, packet)) return judge(packet);
    has_foreign_ = has_foreign_ || size >= 0;
    await_datagram();
  }

  void send_over_tcp() {
    const auto size = static_cast<std::uint16_t>(query_.size());
    query_.insert(query_.begin(), {static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)});
    // The first write waits for the connection, and says why there is none.
    socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                       [self = shared_from_this()](error_code) { self->on_connected(); });
  }

  void on_connected() {
    if (!done_) return;
    int error = 0;
    socklen_t bytes = sizeof error;
    ::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &error, &bytes);
    if (error != 0) return fail(connect_cause(error));
    phase_ = "answer";
    asio::async_write(socket_, asio::buffer(query_),
                      [self = shared_from_this()](error_code failed, std::size_t) {
                        if (!self->done_) return;
                        if (failed) return self->fail("send: " + error_words(failed.value()));
                        self->read(kLengthBytes);
                      });
  }

  /// First the length of the message, then the message.
  void read(std::size_t size) {
    room_.resize(size);
    asio::async_read(socket_, asio::buffer(room_),
                     [self = shared_from_this()](error_code failed, std::size_t) {
                       if (!self->done_) return;
                       if (failed == asio::error::eof) return self->fail("answer: closed by the endpoint");
                       if (failed) return self->fail("answer: " + error_words(failed.value()));
                       if (!std::exchange(self->has_length_, true))
                         return self->read(dns::load_u16(self->room_.data()));
                       if (!self->plan_->question->is_reply(self->query_id_, self->room_))
                         return self->fail("answer: not to the question that was asked");
                       self->judge(self->room_);
                     });
  }

  void judge(std::span<const std::uint8_t> reply) {
    const std::string fault = plan_->question->find_fault(reply);
    finish(fault.empty() ? success() : failure(fault));
  }

  void on_timeout() {
    const auto cause = timeout_cause(phase_, milliseconds{check_.timeout_ms});
    fail(has_foreign_ ? cause + " but replies to other questions" : cause);
  }

  void fail(const std::string& cause) { finish(failure(cause)); }

  void fail_later(const std::string& cause) {
    asio::post(prober_.context_, [self = shared_from_this(), cause] { self->fail(cause); });
  }

  void finish(health::ProbeResult result) {
    if (!done_) return;
    const Done done = std::exchange(done_, {});
    close();
    prober_.sessions_.erase(id_);
    result.took =
        std::chrono::duration_cast<std::chrono::microseconds>(prober_.clock_.monotonic() - started_);
    done(std::move(result));
  }

  void close() {
    timer_.cancel();
    error_code ignored;
    socket_.close(ignored);
  }

  DnsProber& prober_;
  const ProbeId id_;
  const std::shared_ptr<Plan> plan_;
  const config::Check& check_;
  const base::IpAddress address_;
  Done done_;  ///< empty once it was called, or the probe was cancelled
  base::MonotonicTime started_;
  asio::posix::stream_descriptor socket_;
  asio::steady_timer timer_;
  std::uint16_t query_id_ = 0;
  std::vector<std::uint8_t> query_;
  std::vector<std::uint8_t> room_;
  const char* phase_ = "connect";
  bool has_length_ = false;
  bool has_foreign_ = false;
};

DnsProber::DnsProber(asio::io_context& context, const base::Clock& clock)
    : context_(context), clock_(clock) {}

DnsProber::~DnsProber() = default;

ProbeId DnsProber::start(const Target& target, Done done) {
  return sessions_.start([&](ProbeId id) {
    return std::make_shared<Session>(*this, id, plans_.of(target.check), target.address, std::move(done));
  });
}

void DnsProber::cancel(ProbeId id) { sessions_.cancel(id); }

void DnsProber::forget_checks() { plans_.clear(); }

}  // namespace meridian::probe

#include "probe/tcp_probe.hpp"

#include "base/limits.hpp"
#include "net/asio_endpoint.hpp"
#include "probe/cause.hpp"
#include "probe/certificate.hpp"
#include "probe/socket.hpp"

#include <openssl/ssl.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <optional>
#include <string>
#include <utility>

namespace meridian::probe {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

/// Asio's and OpenSSL's errors in few words.
std::string words_of(const error_code& error) {
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated)
    return "closed by the endpoint";
  if (error.category() == boost::system::system_category()) return error_words(error.value());
  return error.message();
}

}  // namespace

/// The parts of a check that are made once.
struct TcpProber::Plan {
  explicit Plan(std::shared_ptr<const config::Check> made_of) : check(std::move(made_of)) {
    if (!check->tcp.tls) return;
    auto store = load_trust_store(check->tls.ca_file);
    if (!store) {
      problem = store.error();
      return;
    }
    tls.emplace(asio::ssl::context::tls_client);
    SSL_CTX_set_cert_store(tls->native_handle(), store->release());
    // Each handshake whole: a resumed one shows no certificate.
    SSL_CTX_set_session_cache_mode(tls->native_handle(), SSL_SESS_CACHE_OFF);
  }

  std::shared_ptr<const config::Check> check;
  std::optional<asio::ssl::context> tls;
  std::string problem;  ///< why no probe can run
};

class TcpProber::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(TcpProber& prober, ProbeId id, std::shared_ptr<Plan> plan, const base::IpAddress& address,
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
    if (!plan_->problem.empty()) return fail_later(plan_->problem);
    auto socket = open_socket(address_.family, SOCK_STREAM, 0, source_of(check_, address_.family));
    if (!socket) return fail_later(connect_cause(socket.error()));
    error_code error;
    socket_.assign(address_.family == base::Family::V4 ? tcp::v4() : tcp::v6(), socket->release(), error);
    if (error) return fail_later(connect_cause(error.value()));
    timer_.expires_after(milliseconds{check_.timeout_ms});
    timer_.async_wait([self = shared_from_this()](error_code ended) {
      if (!ended) self->fail(timeout_cause(self->phase_, milliseconds{self->check_.timeout_ms}));
    });
    socket_.async_connect(net::to_endpoint(address_, check_.port),
                          [self = shared_from_this()](error_code failed) { self->on_connected(failed); });
  }

  void cancel() {
    done_ = {};
    close();
  }

 private:
  void on_connected(error_code error) {
    if (!done_) return;
    if (error) return fail(connect_cause(error.value()));
    if (!plan_->tls) return send();
    phase_ = "TLS";
    stream_.emplace(socket_, *plan_->tls);
    SSL* const ssl = stream_->native_handle();
    std::string name = tls_name(check_, address_);
    // A name goes along as SNI, an address may not (RFC 6066 3).
    if (base::parse_ip_address(name)) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str());
    } else {
      // The macro of this has a cast that we do not compile.
      SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
      SSL_set1_host(ssl, name.c_str());
    }
    // The handshake goes on with a bad certificate, so that we can say what is bad about it.
    SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
    stream_->async_handshake(asio::ssl::stream_base::client,
                             [self = shared_from_this()](error_code failed) { self->on_handshake(failed); });
  }

  void on_handshake(error_code error) {
    if (!done_) return;
    if (error) return fail("TLS: " + words_of(error));
    SSL* const ssl = stream_->native_handle();
    if (check_.tls.verify && SSL_get_verify_result(ssl) != X509_V_OK)
      return fail(verify_cause(SSL_get_verify_result(ssl)));
    const X509* const certificate = SSL_get0_peer_certificate(ssl);
    const auto end = certificate == nullptr ? std::nullopt : end_of(*certificate);
    if (!end) return fail("TLS: a certificate without an end");
    auto judged = judge_end(check_.tls, *end, prober_.clock_.wall());
    if (!judged.is_ok) return fail(judged.cause);
    warning_ = std::move(judged.warning);
    send();
  }

  void send() {
    if (check_.tcp.send.empty()) return receive();
    phase_ = "send";
    const auto on_sent = [self = shared_from_this()](error_code error, std::size_t) {
      if (!self->done_) return;
      if (error) return self->fail("send: " + words_of(error));
      self->receive();
    };
    if (stream_) return asio::async_write(*stream_, asio::buffer(check_.tcp.send), on_sent);
    asio::async_write(socket_, asio::buffer(check_.tcp.send), on_sent);
  }

  void receive() {
    if (check_.tcp.expect.empty()) return finish(success());
    phase_ = "answer";
    const auto on_received = [self = shared_from_this()](error_code error, std::size_t size) {
      self->on_received(error, size);
    };
    if (stream_) return stream_->async_read_some(asio::buffer(room_), on_received);
    socket_.async_read_some(asio::buffer(room_), on_received);
  }

  void on_received(error_code error, std::size_t size) {
    if (!done_) return;
    // What was searched before is not searched again, but for a part that may end in the new bytes.
    const std::size_t from = received_.size() - std::min(received_.size(), check_.tcp.expect.size());
    received_.append(room_.data(), size);
    if (received_.find(check_.tcp.expect, from) != std::string::npos) return finish(success());
    const std::string instead = received_.empty() ? "nothing" : "'" + received_.substr(0, 60) + "'";
    if (error) return fail("answer: " + words_of(error) + " after " + instead);
    if (received_.size() >= base::limits::kProbeBodyBytesMax)
      return fail("answer: not in the first 64 KiB, which begin with " + instead);
    receive();
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
    if (result.warning.empty()) result.warning = warning_;
    done(std::move(result));
  }

  void close() {
    timer_.cancel();
    error_code ignored;
    socket_.close(ignored);
  }

  TcpProber& prober_;
  const ProbeId id_;
  const std::shared_ptr<Plan> plan_;
  const config::Check& check_;
  const base::IpAddress address_;
  Done done_;  ///< empty once it was called, or the probe was cancelled
  base::MonotonicTime started_;
  tcp::socket socket_;
  std::optional<asio::ssl::stream<tcp::socket&>> stream_;
  asio::steady_timer timer_;
  const char* phase_ = "connect";
  std::array<char, 4096> room_;
  std::string received_;
  std::string warning_;
};

TcpProber::TcpProber(asio::io_context& context, const base::Clock& clock)
    : context_(context), clock_(clock) {}

TcpProber::~TcpProber() = default;

ProbeId TcpProber::start(const Target& target, Done done) {
  return sessions_.start([&](ProbeId id) {
    return std::make_shared<Session>(*this, id, plans_.of(target.check), target.address, std::move(done));
  });
}

void TcpProber::cancel(ProbeId id) { sessions_.cancel(id); }

void TcpProber::forget_checks() { plans_.clear(); }

}  // namespace meridian::probe

#include "http/tcp_http_server.hpp"

#include "http/http_core.hpp"
#include "net/asio_endpoint.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

namespace meridian::http {
namespace {

namespace asio = boost::asio;
using Protocol = asio::ip::tcp;
using Core = HttpCore<Protocol>;

std::string to_text(const Protocol::endpoint& endpoint) {
  auto host = endpoint.address().to_string();
  if (endpoint.address().is_v6()) host = "[" + host + "]";
  return fmt::format("{}:{}", host, endpoint.port());
}

}  // namespace

class TcpHttpServer::Implementation {
 public:
  Implementation(asio::io_context& context, stats::Counters& counters, RequestHandler handler,
                 std::string setting)
      : setting_(std::move(setting)),
        core_(std::make_shared<Core>(context, counters, std::move(handler), [](Core::Socket& socket) {
          boost::system::error_code error;
          const auto peer = socket.remote_endpoint(error);
          return error ? std::string{"unknown"} : to_text(peer);
        })) {}

  base::Expected<void, std::string> listen(const base::IpAddress& address, std::uint16_t port) {
    return open(net::to_endpoint(address, port));
  }

  [[nodiscard]] const std::string& address() const noexcept { return address_; }

  /// Another process listens beside us by then; what the kernel gave us would wait for an answer in vain.
  void pause(bool is_paused) {
    if (address_.empty()) return;
    auto& acceptor = core_->acceptor();
    boost::system::error_code ignored;
    if (is_paused) {
      core_->pause(true);
      acceptor.close(ignored);
    } else if (auto opened = open(endpoint_); !opened) {
      base::log_event(base::LogLevel::Error, "http_lost", {{"why", opened.error()}});
    }
  }
  void stop() { core_->stop(); }

 private:
  base::Expected<void, std::string> open(const Protocol::endpoint& endpoint) {
    auto& acceptor = core_->acceptor();
    boost::system::error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
    if (!error) acceptor.set_option(ReusePort(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      boost::system::error_code ignored;
      acceptor.close(ignored);
      return base::unexpected(
          fmt::format("cannot listen on {} for '{}': {}", to_text(endpoint), setting_, error.message()));
    }
    endpoint_ = acceptor.local_endpoint(error);
    address_ = to_text(endpoint_);
    core_->resume();
    return {};
  }

  const std::string setting_;
  std::shared_ptr<Core> core_;
  Protocol::endpoint endpoint_;
  std::string address_;
};

TcpHttpServer::TcpHttpServer(asio::io_context& context, stats::Counters& counters, RequestHandler handler,
                             std::string setting)
    : implementation_(
          std::make_unique<Implementation>(context, counters, std::move(handler), std::move(setting))) {}

TcpHttpServer::~TcpHttpServer() { stop(); }

base::Expected<void, std::string> TcpHttpServer::listen(const base::IpAddress& address, std::uint16_t port) {
  return implementation_->listen(address, port);
}

std::string TcpHttpServer::address() const { return implementation_->address(); }

void TcpHttpServer::pause(bool is_paused) { implementation_->pause(is_paused); }

void TcpHttpServer::stop() { implementation_->stop(); }

}  // namespace meridian::http

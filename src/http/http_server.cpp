#include "http/http_server.hpp"

#include "http/http_core.hpp"
#include "http/peer_name.hpp"
#include "net/unix_socket.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/local/stream_protocol.hpp>

namespace meridian::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Protocol = asio::local::stream_protocol;
using Core = HttpCore<Protocol>;

}  // namespace

beast::http::response<beast::http::string_body> to_http(const Response& response, unsigned version,
                                                        bool keep_alive) {
  beast::http::response<beast::http::string_body> message{static_cast<beast::http::status>(response.status),
                                                          version};
  message.set(beast::http::field::content_type, response.content_type);
  if (response.status == 401) message.set(beast::http::field::www_authenticate, "Bearer");
  message.body() = response.body;
  if (!message.body().ends_with('\n')) message.body() += '\n';
  message.keep_alive(keep_alive);
  message.prepare_payload();
  return message;
}

Request to_request(const beast::http::request<beast::http::string_body>& message) {
  const std::string target{message.target()};
  const auto question = target.find('?');
  Request request;
  request.method = std::string{message.method_string()};
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  request.body = message.body();
  request.authorization = std::string{message[beast::http::field::authorization]};
  return request;
}

class HttpServer::Implementation {
 public:
  Implementation(asio::io_context& context, stats::Counters& counters, RequestHandler handler)
      : core_(std::make_shared<Core>(context, counters, std::move(handler), [](Core::Socket& socket) {
          return peer_name(socket.native_handle());
        })) {}

  base::Expected<void, std::string> listen(const std::string& path, std::string_view setting) {
    auto listener = net::listen_unix(path, SOCK_STREAM, asio::socket_base::max_listen_connections);
    if (!listener) {
      return base::unexpected(
          fmt::format("cannot listen on control socket {}: {}; choose another path with {}, or make its "
                      "folder writable",
                      path, listener.error().message(), setting));
    }
    path_ = path;
    adopt(std::move(*listener));
    return {};
  }

  void adopt(net::FileDescriptor listener) {
    core_->acceptor().assign(Protocol{}, listener.release());
    core_->start_accepting();
  }

  void own_socket_file(const std::string& path) { path_ = path; }

  [[nodiscard]] net::FileDescriptor duplicate_listener() { return core_->duplicate_listener(); }

  void pause(bool is_paused) { core_->pause(is_paused); }

  void leave(std::function<void()> left) {
    path_.clear();  // another server's by now
    core_->leave(std::move(left));
  }

  void stop() {
    core_->stop();
    if (!path_.empty()) ::unlink(path_.c_str());
    path_.clear();
  }

 private:
  std::shared_ptr<Core> core_;
  std::string path_;
};

HttpServer::HttpServer(asio::io_context& context, stats::Counters& counters, RequestHandler handler)
    : implementation_(std::make_unique<Implementation>(context, counters, std::move(handler))) {}

HttpServer::~HttpServer() { stop(); }

base::Expected<void, std::string> HttpServer::listen(const std::string& path, std::string_view setting) {
  return implementation_->listen(path, setting);
}

void HttpServer::adopt(net::FileDescriptor listener) { implementation_->adopt(std::move(listener)); }

void HttpServer::own_socket_file(const std::string& path) { implementation_->own_socket_file(path); }

net::FileDescriptor HttpServer::duplicate_listener() const { return implementation_->duplicate_listener(); }

void HttpServer::pause(bool is_paused) { implementation_->pause(is_paused); }

void HttpServer::leave(std::function<void()> left) { implementation_->leave(std::move(left)); }

void HttpServer::stop() { implementation_->stop(); }

}  // namespace meridian::http

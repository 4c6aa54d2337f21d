#include "control/http_server.hpp"

#include "control/http_core.hpp"
#include "control/peer_name.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <boost/asio/local/stream_protocol.hpp>

#include <filesystem>

namespace meridian::control {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Protocol = asio::local::stream_protocol;
using Core = HttpCore<Protocol>;

}  // namespace

http::response<http::string_body> to_http(const Response& response, unsigned version, bool keep_alive) {
  http::response<http::string_body> message{static_cast<http::status>(response.status), version};
  message.set(http::field::content_type, response.content_type);
  if (response.status == 401) message.set(http::field::www_authenticate, "Bearer");
  message.body() = response.body;
  if (!message.body().ends_with('\n')) message.body() += '\n';
  message.keep_alive(keep_alive);
  message.prepare_payload();
  return message;
}

Request to_request(const http::request<http::string_body>& message) {
  const std::string target{message.target()};
  const auto question = target.find('?');
  Request request;
  request.method = std::string{message.method_string()};
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  request.body = message.body();
  request.authorization = std::string{message[http::field::authorization]};
  return request;
}

class HttpServer::Implementation {
 public:
  Implementation(asio::io_context& context, stats::Counters& counters, RequestHandler handler)
      : context_(context),
        core_(std::make_shared<Core>(context, counters, std::move(handler), [](Core::Socket& socket) {
          return peer_name(socket.native_handle());
        })) {}

  base::Expected<void, std::string> listen(const std::string& path) {
    const auto fail = [&](const boost::system::error_code& error) {
      return base::unexpected(
          fmt::format("cannot listen on control socket {}: {}; choose another path with "
                      "'control: {{unix: …}}' or --control, or make its folder writable",
                      path, error.message()));
    };
    boost::system::error_code error;
    struct stat there {};
    if (::lstat(path.c_str(), &there) == 0) {
      // Only a dead socket is ours to remove: anything else is a mistyped path, and somebody's file.
      if (!S_ISSOCK(there.st_mode)) return fail(make_error_code(boost::system::errc::file_exists));
      if (is_alive(path)) return fail(asio::error::address_in_use);
      ::unlink(path.c_str());
    }
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    if (path.size() >= sizeof(sockaddr_un::sun_path)) return fail(asio::error::name_too_long);
    core_->acceptor().open(Protocol{}, error);
    if (error) return fail(error);
    // Owner and group only, from the first moment on: who may talk here may reload the server.
    const mode_t mask = ::umask(0117);
    core_->acceptor().bind(Protocol::endpoint(path), error);
    ::umask(mask);
    if (!error) core_->acceptor().listen(asio::socket_base::max_listen_connections, error);
    if (error) return fail(error);
    path_ = path;
    core_->start_accepting();
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
  /// A socket file that answers belongs to a running server and must not be taken from it.
  bool is_alive(const std::string& path) {
    if (path.size() >= sizeof(sockaddr_un::sun_path)) return false;
    Protocol::socket probe(context_);
    boost::system::error_code error;
    probe.connect(Protocol::endpoint(path), error);
    return !error;
  }

  asio::io_context& context_;
  std::shared_ptr<Core> core_;
  std::string path_;
};

HttpServer::HttpServer(asio::io_context& context, stats::Counters& counters, RequestHandler handler)
    : implementation_(std::make_unique<Implementation>(context, counters, std::move(handler))) {}

HttpServer::~HttpServer() { stop(); }

base::Expected<void, std::string> HttpServer::listen(const std::string& path) {
  return implementation_->listen(path);
}

void HttpServer::adopt(net::FileDescriptor listener) { implementation_->adopt(std::move(listener)); }

void HttpServer::own_socket_file(const std::string& path) { implementation_->own_socket_file(path); }

net::FileDescriptor HttpServer::duplicate_listener() const { return implementation_->duplicate_listener(); }

void HttpServer::pause(bool is_paused) { implementation_->pause(is_paused); }

void HttpServer::leave(std::function<void()> left) { implementation_->leave(std::move(left)); }

void HttpServer::stop() { implementation_->stop(); }

}  // namespace meridian::control

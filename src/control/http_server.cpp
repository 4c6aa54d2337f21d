#include "control/http_server.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "control/peer_name.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <atomic>
#include <filesystem>
#include <optional>
#include <utility>

namespace meridian::control {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Protocol = asio::local::stream_protocol;
using Stream = beast::basic_stream<Protocol>;
using stats::Counter;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

http::response<http::string_body> to_http(const Response& response, unsigned version, bool keep_alive) {
  http::response<http::string_body> message{static_cast<http::status>(response.status), version};
  message.set(http::field::content_type, response.content_type);
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
  return request;
}

}  // namespace

class HttpServer::Implementation : public std::enable_shared_from_this<HttpServer::Implementation> {
 public:
  Implementation(asio::io_context& context, stats::Counters& counters, RequestHandler handler)
      : context_(context), acceptor_(context), counters_(counters), handler_(std::move(handler)) {}

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
    acceptor_.open(Protocol{}, error);
    if (error) return fail(error);
    // Owner and group only, from the first moment on: who may talk here may reload the server.
    const mode_t mask = ::umask(0117);
    acceptor_.bind(Protocol::endpoint(path), error);
    ::umask(mask);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return fail(error);
    path_ = path;
    start_accepting();
    return {};
  }

  void adopt(net::FileDescriptor listener) {
    acceptor_.assign(Protocol{}, listener.release());
    start_accepting();
  }

  void own_socket_file(const std::string& path) { path_ = path; }

  [[nodiscard]] net::FileDescriptor duplicate_listener() {
    return net::FileDescriptor(::fcntl(acceptor_.native_handle(), F_DUPFD_CLOEXEC, 0));
  }

  void pause(bool is_paused) {
    if (paused_ == is_paused) return;
    paused_ = is_paused;
    boost::system::error_code ignored;
    if (paused_) {
      acceptor_.cancel(ignored);
    } else {
      start_accepting();
    }
  }

  void leave(std::function<void()> left) {
    path_.clear();  // another server's by now
    stopping_ = true;
    asio::co_spawn(
        context_, [self = shared_from_this(), left = std::move(left)] { return wait_until_idle(self, left); },
        asio::detached);
  }

  void stop() {
    asio::post(context_, [self = shared_from_this()] {
      boost::system::error_code ignored;
      self->acceptor_.close(ignored);
      self->stopping_ = true;
      for (auto* stream : self->streams_) stream->close();
    });
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

  void start_accepting() {
    asio::co_spawn(
        context_, [self = shared_from_this()] { return self->accept(); }, asio::detached);
  }

  static asio::awaitable<void> wait_until_idle(std::shared_ptr<Implementation> self,
                                               std::function<void()> left) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(base::limits::kTcpTransferMs);
    asio::steady_timer timer(self->context_);
    while (self->owed_ > 0 && std::chrono::steady_clock::now() < deadline) {
      timer.expires_after(std::chrono::milliseconds(5));
      co_await timer.async_wait(kAsTuple);
    }
    left();
  }

  asio::awaitable<void> accept() {
    while (!paused_) {
      auto [error, socket] = co_await acceptor_.async_accept(kAsTuple);
      if (!acceptor_.is_open()) co_return;
      if (error == asio::error::operation_aborted) continue;
      if (error) {
        // Out of descriptors or the like: wait a moment rather than spin.
        base::log_event(base::LogLevel::Warning, "control_accept_failed", {{"error", error.message()}});
        asio::steady_timer timer(context_, std::chrono::milliseconds(100));
        co_await timer.async_wait(kAsTuple);
        continue;
      }
      if (streams_.size() >= base::limits::kControlConnectionsMax) {
        counters_.add(Counter::ControlErrors);
        continue;  // the socket closes
      }
      asio::co_spawn(context_, serve(shared_from_this(), std::move(socket)), asio::detached);
    }
  }

  static asio::awaitable<void> serve(std::shared_ptr<Implementation> self, Protocol::socket socket) {
    const auto who = peer_name(socket.native_handle());
    Stream stream(std::move(socket));
    self->streams_.push_back(&stream);
    beast::flat_buffer buffer;
    bool keep_alive = true;
    // Who was accepted gets an answer, also when its request comes late: nobody else can give it, and to the
    // client the server would have failed. Between two requests HTTP lets a server close.
    bool is_owed = true;
    ++self->owed_;
    while (keep_alive && (is_owed || !self->stopping_)) {
      http::request_parser<http::string_body> parser;
      parser.body_limit(base::limits::kControlBodyBytesMax);
      stream.expires_after(std::chrono::milliseconds(base::limits::kTcpIdleMs));
      const auto [read_error, read] = co_await http::async_read(stream, buffer, parser, kAsTuple);
      if (read_error) {
        co_await refuse(*self, stream, read_error);
        break;
      }
      const auto& message = parser.get();
      keep_alive = message.keep_alive();
      stream.expires_never();
      if (!std::exchange(is_owed, true)) ++self->owed_;
      auto request = to_request(message);
      request.who = who;
      const auto response = co_await self->handle(std::move(request));
      auto reply = to_http(response, message.version(), keep_alive);
      stream.expires_after(std::chrono::milliseconds(base::limits::kTcpTransferMs));
      const auto [write_error, written] = co_await http::async_write(stream, reply, kAsTuple);
      is_owed = false;
      --self->owed_;
      if (write_error) break;
    }
    if (is_owed) --self->owed_;
    std::erase(self->streams_, &stream);
  }

  /// Answers a request that could not be read; says nothing where the client just went away.
  static asio::awaitable<void> refuse(Implementation& self, Stream& stream, boost::system::error_code error) {
    const bool is_malformed = error.category() == make_error_code(http::error::end_of_stream).category() &&
                              error != http::error::end_of_stream && error != http::error::partial_message;
    if (!is_malformed) co_return;
    self.counters_.add(Counter::ControlRequests);
    self.counters_.add(Counter::ControlErrors);
    const bool is_large = error == http::error::body_limit || error == http::error::header_limit;
    auto reply = to_http(is_large ? Response{413, R"({"error":"the request is larger than any of ours"})"}
                                  : Response{400, R"({"error":"the request is not HTTP/1.1"})"},
                         11, false);
    stream.expires_after(std::chrono::milliseconds(base::limits::kTcpTransferMs));
    co_await http::async_write(stream, reply, kAsTuple);
  }

  asio::awaitable<Response> handle(Request request) {
    counters_.add(Counter::ControlRequests);
    struct Pending {
      explicit Pending(asio::io_context& context) : timer(context, asio::steady_timer::time_point::max()) {}
      asio::steady_timer timer;
      std::optional<Response> response;
    };
    const auto pending = std::make_shared<Pending>(context_);
    handler_(request, [pending, &context = context_](Response response) {
      asio::post(context, [pending, response = std::move(response)]() mutable {
        pending->response = std::move(response);
        pending->timer.cancel();
      });
    });
    while (!pending->response) co_await pending->timer.async_wait(kAsTuple);
    if (pending->response->status >= 400) counters_.add(Counter::ControlErrors);
    co_return std::move(*pending->response);
  }

  asio::io_context& context_;
  Protocol::acceptor acceptor_;
  stats::Counters& counters_;
  RequestHandler handler_;
  std::string path_;
  std::vector<Stream*> streams_;
  std::size_t owed_ = 0;  ///< connections with a request that is not answered yet, or with none so far
  bool paused_ = false;
  bool stopping_ = false;
};

HttpServer::HttpServer(asio::io_context& context, stats::Counters& counters, RequestHandler handler)
    : implementation_(std::make_shared<Implementation>(context, counters, std::move(handler))) {}

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

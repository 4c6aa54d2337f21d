// The part of the HTTP server that does not care where its connections come from: accepting, reading,
// answering, event streams, and leaving.
//
// Internal to http_server.cpp and tcp_http_server.cpp. Runs on the io_context it is given, on one thread.
#pragma once

#include "base/limits.hpp"
#include "base/log.hpp"
#include "http/event_hub.hpp"
#include "http/http_server.hpp"
#include "net/sockets.hpp"
#include "stats/counters.hpp"

#include <fcntl.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace meridian::http {

inline constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

[[nodiscard]] boost::beast::http::response<boost::beast::http::string_body> to_http(const Response& response,
                                                                                    unsigned version,
                                                                                    bool keep_alive);
[[nodiscard]] Request to_request(const boost::beast::http::request<boost::beast::http::string_body>& message);

template <typename Protocol>
class HttpCore : public std::enable_shared_from_this<HttpCore<Protocol>> {
 public:
  using Acceptor = boost::asio::basic_socket_acceptor<Protocol>;
  using Socket = boost::asio::basic_stream_socket<Protocol>;
  /// Who is at the other end, for the audit log.
  using NamePeer = std::function<std::string(Socket&)>;

  HttpCore(boost::asio::io_context& context, stats::Counters& counters, RequestHandler handler,
           NamePeer name_peer)
      : context_(context),
        acceptor_(context),
        counters_(counters),
        handler_(std::move(handler)),
        name_peer_(std::move(name_peer)) {}

  /// Listening already, or about to be; before start_accepting().
  [[nodiscard]] Acceptor& acceptor() noexcept { return acceptor_; }

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
    stopping_ = true;
    boost::asio::co_spawn(
        context_,
        [self = this->shared_from_this(), left = std::move(left)] { return wait_until_idle(self, left); },
        boost::asio::detached);
  }

  void stop() {
    boost::asio::post(context_, [self = this->shared_from_this()] {
      boost::system::error_code ignored;
      self->acceptor_.close(ignored);
      self->stopping_ = true;
      for (auto* stream : self->streams_) stream->close();
    });
  }

  /// Whatever it was before.
  void resume() {
    paused_ = false;
    start_accepting();
  }

  void start_accepting() {
    boost::asio::co_spawn(
        context_, [self = this->shared_from_this()] { return self->accept(); }, boost::asio::detached);
  }

 private:
  using Stream = boost::beast::basic_stream<Protocol>;
  using Self = std::shared_ptr<HttpCore>;

  static boost::asio::awaitable<void> wait_until_idle(Self self, std::function<void()> left) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(base::limits::kTcpTransferMs);
    boost::asio::steady_timer timer(self->context_);
    while (self->owed_ > 0 && std::chrono::steady_clock::now() < deadline) {
      timer.expires_after(std::chrono::milliseconds(5));
      co_await timer.async_wait(kAsTuple);
    }
    left();
  }

  boost::asio::awaitable<void> accept() {
    while (!paused_) {
      auto [error, socket] = co_await acceptor_.async_accept(kAsTuple);
      if (!acceptor_.is_open()) co_return;
      if (error == boost::asio::error::operation_aborted) continue;
      if (error) {
        // Out of descriptors or the like: wait a moment rather than spin.
        base::log_event(base::LogLevel::Warning, "control_accept_failed", {{"error", error.message()}});
        boost::asio::steady_timer timer(context_, std::chrono::milliseconds(100));
        co_await timer.async_wait(kAsTuple);
        continue;
      }
      if (streams_.size() >= base::limits::kControlConnectionsMax) {
        counters_.add(stats::Counter::ControlErrors);
        continue;  // the socket closes
      }
      boost::asio::co_spawn(context_, serve(this->shared_from_this(), std::move(socket)),
                            boost::asio::detached);
    }
  }

  static boost::asio::awaitable<void> serve(Self self, Socket socket) {
    const auto who = self->name_peer_(socket);
    Stream stream(std::move(socket));
    self->streams_.push_back(&stream);
    boost::beast::flat_buffer buffer;
    bool keep_alive = true;
    // Who was accepted gets an answer, also when its request comes late: nobody else can give it, and to the
    // client the server would have failed. Between two requests HTTP lets a server close.
    bool is_owed = true;
    ++self->owed_;
    while (keep_alive && (is_owed || !self->stopping_)) {
      boost::beast::http::request_parser<boost::beast::http::string_body> parser;
      parser.body_limit(base::limits::kControlBodyBytesMax);
      stream.expires_after(std::chrono::milliseconds(base::limits::kTcpIdleMs));
      const auto [read_error, read] =
          co_await boost::beast::http::async_read(stream, buffer, parser, kAsTuple);
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
      if (response.events) {
        is_owed = false;  // it has no end that anybody waits for
        --self->owed_;
        co_await stream_events(*self, stream, *response.events);
        break;
      }
      auto reply = to_http(response, message.version(), keep_alive);
      stream.expires_after(std::chrono::milliseconds(base::limits::kTcpTransferMs));
      const auto [write_error, written] = co_await boost::beast::http::async_write(stream, reply, kAsTuple);
      is_owed = false;
      --self->owed_;
      if (write_error) break;
    }
    if (is_owed) --self->owed_;
    std::erase(self->streams_, &stream);
  }

  /// Until the listener goes, is too slow, or the server stops.
  static boost::asio::awaitable<void> stream_events(HttpCore& self, Stream& stream,
                                                    EventSubscription& events) {
    std::string text =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
        "Connection: close\r\n\r\n";
    const auto timer = std::make_shared<boost::asio::steady_timer>(self.context_);
    events.set_wake(
        [timer, &context = self.context_] { boost::asio::post(context, [timer] { timer->cancel(); }); });
    while (!self.stopping_) {
      stream.expires_after(std::chrono::milliseconds(base::limits::kTcpTransferMs));
      const auto [error, written] =
          co_await boost::asio::async_write(stream, boost::asio::buffer(text), kAsTuple);
      if (error) break;
      stream.expires_never();
      timer->expires_after(std::chrono::milliseconds(base::limits::kEventHeartbeatMs));
      // What came since the last look has cancelled nothing: look again before waiting.
      auto more = events.take();
      if (more && more->empty()) {
        co_await timer->async_wait(kAsTuple);
        more = events.take();
      }
      if (!more) break;
      text = more->empty() ? ": nothing happened\n\n" : std::move(*more);
    }
    events.set_wake({});
  }

  /// Answers a request that could not be read; says nothing where the client just went away.
  static boost::asio::awaitable<void> refuse(HttpCore& self, Stream& stream,
                                             boost::system::error_code error) {
    const bool is_malformed =
        error.category() == make_error_code(boost::beast::http::error::end_of_stream).category() &&
        error != boost::beast::http::error::end_of_stream &&
        error != boost::beast::http::error::partial_message;
    if (!is_malformed) co_return;
    self.counters_.add(stats::Counter::ControlRequests);
    self.counters_.add(stats::Counter::ControlErrors);
    const bool is_large =
        error == boost::beast::http::error::body_limit || error == boost::beast::http::error::header_limit;
    auto reply = to_http(is_large ? Response{413, R"({"error":"the request is larger than any of ours"})"}
                                  : Response{400, R"({"error":"the request is not HTTP/1.1"})"},
                         11, false);
    stream.expires_after(std::chrono::milliseconds(base::limits::kTcpTransferMs));
    co_await boost::beast::http::async_write(stream, reply, kAsTuple);
  }

  boost::asio::awaitable<Response> handle(Request request) {
    counters_.add(stats::Counter::ControlRequests);
    struct Pending {
      explicit Pending(boost::asio::io_context& context)
          : timer(context, boost::asio::steady_timer::time_point::max()) {}
      boost::asio::steady_timer timer;
      std::optional<Response> response;
    };
    const auto pending = std::make_shared<Pending>(context_);
    handler_(request, [pending, &context = context_](Response response) {
      boost::asio::post(context, [pending, response = std::move(response)]() mutable {
        pending->response = std::move(response);
        pending->timer.cancel();
      });
    });
    while (!pending->response) co_await pending->timer.async_wait(kAsTuple);
    if (pending->response->status >= 400) counters_.add(stats::Counter::ControlErrors);
    co_return std::move(*pending->response);
  }

  boost::asio::io_context& context_;
  Acceptor acceptor_;
  stats::Counters& counters_;
  RequestHandler handler_;
  NamePeer name_peer_;
  std::vector<Stream*> streams_;
  std::size_t owed_ = 0;  ///< connections with a request that is not answered yet, or with none so far
  bool paused_ = false;
  bool stopping_ = false;
};

}  // namespace meridian::http

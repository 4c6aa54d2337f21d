// A small HTTP/1.1 server on a unix socket for operators' tools: requests in, JSON out.
//
// Runs on the io_context it is given, on one thread, apart from the threads that answer queries. Bounded in
// connections, header and body size, and time (base/limits.hpp). The socket's file mode is its protection.
#pragma once

#include "base/expected.hpp"
#include "net/sockets.hpp"
#include "stats/counters.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace meridian::http {

class EventSubscription;

struct Request {
  std::string method = {};  ///< "GET", "POST"
  std::string path = {};    ///< "/v1/status"
  std::string query = {};   ///< after the `?`, still percent-encoded
  std::string body = {};
  std::string authorization = {};  ///< the header's value
  std::string who = {};            ///< as the audit log names them: "alice (uid 1000)"
};

struct Response {
  unsigned status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::shared_ptr<EventSubscription> events = {};  ///< instead of a body: events, until the client goes
};

/// Sends one response; may be called later and from any thread, once.
using Respond = std::function<void(Response)>;
using RequestHandler = std::function<void(const Request&, Respond)>;

class HttpServer {
 public:
  /// `handler` runs on the context's thread and must not block it.
  HttpServer(boost::asio::io_context& context, stats::Counters& counters, RequestHandler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Listens on a unix socket of mode 0660, removing a dead one that lies there. The error is one line for
  /// the operator, who chose the path by `setting`: "cannot listen on /run/…: permission denied; …".
  [[nodiscard]] base::Expected<void, std::string> listen(const std::string& path, std::string_view setting);

  /// Takes a listener that another process made. The socket file stays that one's until own_socket_file().
  void adopt(net::FileDescriptor listener);
  /// From now on the file of the socket is removed in the end.
  void own_socket_file(const std::string& path);
  /// A duplicate of the listener, for another process.
  [[nodiscard]] net::FileDescriptor duplicate_listener() const;

  /// On the context's thread: leaves new connections in the backlog, where another process may take them, or
  /// takes them again.
  void pause(bool is_paused);
  /// On the context's thread, after a pause for good: the socket file stays. Calls `left` when every request
  /// that had come and the first one of every connection is answered, or after limits::kTcpTransferMs.
  void leave(std::function<void()> left);

  /// Closes the listener and every connection, and removes the socket file.
  void stop();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace meridian::http

// The control API over HTTP on a loopback address, for programs that cannot reach the Unix socket:
// Prometheus, dashboards, deployment tools.
//
// Like HttpServer, on one thread of the io_context. Who may ask what is HttpGate's business. A new server may
// bind the same port while the old one still has it (SO_REUSEPORT), so that a hand-over needs nothing.
#pragma once

#include "base/expected.hpp"
#include "base/ip.hpp"
#include "http/http_server.hpp"
#include "stats/counters.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace meridian::http {

class TcpHttpServer {
 public:
  /// `handler` runs on the context's thread and must not block it. `setting` is what says where to listen,
  /// for messages.
  TcpHttpServer(boost::asio::io_context& context, stats::Counters& counters, RequestHandler handler,
                std::string setting);
  ~TcpHttpServer();
  TcpHttpServer(const TcpHttpServer&) = delete;
  TcpHttpServer& operator=(const TcpHttpServer&) = delete;

  /// Port 0: any free one. The error is one line for the operator.
  [[nodiscard]] base::Expected<void, std::string> listen(const base::IpAddress& address, std::uint16_t port);
  /// Once it listens: "127.0.0.1:8053".
  [[nodiscard]] std::string address() const;

  /// As HttpServer's; do nothing while it does not listen.
  void pause(bool is_paused);
  void stop();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace meridian::http

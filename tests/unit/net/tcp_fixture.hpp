// A running TcpServer on one address of loopback, with a handler that echoes.
#pragma once

#include "net/tcp_server.hpp"
#include "net_support.hpp"

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::net_test {

struct TcpFixture {
  explicit TcpFixture(const net::TcpLimits& limits = {}, std::string_view address = "127.0.0.1",
                      const net::ProxyNetworks& proxies = {}) {
    auto socket = net::bind_tcp(at(address));
    REQUIRE(socket);
    listen = net::local_address(*socket);
    listener = socket->get();
    std::vector<net::ListenSocket> listeners;
    listeners.push_back({std::move(*socket), proxies});
    server = std::make_unique<net::TcpServer>(std::move(listeners), std::make_unique<EchoHandler>(observed),
                                              counters, limits);
    server->start();
  }
  ~TcpFixture() { observed.let_go(); }
  TcpFixture(const TcpFixture&) = delete;
  TcpFixture& operator=(const TcpFixture&) = delete;

  [[nodiscard]] Client connect() const { return Client(SOCK_STREAM, listen); }
  /// A connection that the server has taken in: it has answered once.
  [[nodiscard]] Client connect_served() const {
    auto client = connect();
    REQUIRE(client.send(framed("hello")));
    REQUIRE(client.receive_message() == "hello");
    return client;
  }
  void stop() const {
    server->request_stop();
    server->join();
  }
  [[nodiscard]] bool counts(stats::Counter counter, std::uint64_t value) const {
    return eventually([&] { return counters.value(counter) >= value; }) && counters.value(counter) == value;
  }

  Observed observed;
  stats::Counters counters;
  net::ListenAddress listen;
  int listener = -1;
  std::unique_ptr<net::TcpServer> server;
};

}  // namespace meridian::net_test

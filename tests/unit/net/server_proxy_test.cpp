// Addresses for proxies as the server starts, and as a reload changes whom to believe.
#include "net/server.hpp"

#include "net_support.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

using namespace meridian;
using net_test::at;
using net_test::Client;
using net_test::eventually;
using net_test::framed;
using net_test::Observed;
using net_test::proxy_header;
using stats::Counter;

namespace {

net::ProxyNetworks networks(std::string_view text) { return {base::parse_ip_prefix(text).value()}; }

/// Whether a query with a header, over either transport, is answered and taken for the header's client.
bool believes(const net::ListenAddress& listen, const Observed& observed, std::string_view client) {
  const Client udp(SOCK_DGRAM, listen);
  udp.set_patience(std::chrono::seconds{1});
  const auto header = proxy_header(client, 4'711);
  REQUIRE(udp.send(header + "query"));
  if (udp.receive() != "query" || observed.last_peer().address != at(client).address) return false;
  const Client tcp(SOCK_STREAM, listen);
  static_cast<void>(tcp.send(header + framed("query")));
  return tcp.receive_message() == "query" && observed.last_peer().address == at(client).address;
}

}  // namespace

TEST_SUITE("net/server_proxy") {
  TEST_CASE("a reload that changes whom to believe serves the same sockets anew") {
    Observed observed;
    stats::CounterRegistry counters;
    net::Server server(
        {.listen = {at("127.0.0.1")},
         .udp_workers = 1,
         .tcp = {},
         .proxy_listen = {{at("127.0.0.1"), networks("127.0.0.0/8")}}},
        [&](net::WorkerIndex, stats::Counters&) { return std::make_unique<net_test::EchoHandler>(observed); },
        counters);
    REQUIRE(server.start());
    REQUIRE(server.addresses().size() == 2);
    const auto listen = server.addresses()[1];
    CHECK(believes(listen, observed, "192.0.2.7"));

    // As it is: nothing to do.
    auto same = server.prepare({at("127.0.0.1")}, {{at("127.0.0.1"), networks("127.0.0.0/8")}});
    REQUIRE(same);
    CHECK(same->added.empty());
    CHECK(same->removed.empty());

    auto stranger = server.prepare({at("127.0.0.1")}, {{at("127.0.0.1"), networks("192.0.2.0/24")}});
    REQUIRE(stranger);
    server.apply(std::move(*stranger));
    REQUIRE(server.addresses().size() == 2);
    CHECK(server.addresses()[1] == listen);
    const auto queries = server.queries_by_address();
    REQUIRE(queries.size() == 2);
    CHECK(queries[1].listen == listen);
    CHECK(queries[1].udp == 1);  // goes on
    CHECK(queries[1].tcp == 1);
    const Client udp(SOCK_DGRAM, listen);
    CHECK(eventually([&] {
      static_cast<void>(udp.send(proxy_header("192.0.2.7", 4'711) + "query"));
      const Client tcp(SOCK_STREAM, listen);
      static_cast<void>(tcp.send("x"));
      return counters.total(Counter::UdpProxyDenied) > 0 && counters.total(Counter::TcpProxyDenied) > 0;
    }));

    auto back = server.prepare({at("127.0.0.1")}, {{at("127.0.0.1"), networks("127.0.0.1")}});
    REQUIRE(back);
    server.apply(std::move(*back));
    CHECK(eventually([&] { return believes(listen, observed, "192.0.2.9"); }));
  }

  TEST_CASE("an address whose sockets are taken in anew is told once, with all that came to it") {
    Observed observed;
    stats::CounterRegistry counters;
    net::Server server(
        {.listen = {at("127.0.0.1")},
         .udp_workers = 2,
         .tcp = {},
         .proxy_listen = {{at("127.0.0.1"), networks("127.0.0.0/8")}}},
        [&](net::WorkerIndex, stats::Counters&) { return std::make_unique<net_test::EchoHandler>(observed); },
        counters);
    REQUIRE(server.start());
    std::atomic<bool> done{false};
    std::thread reader([&] {
      while (!done) CHECK(server.queries_by_address().size() == 2);
    });
    for (int i = 0; i < 200; ++i) {
      auto change = server.prepare({at("127.0.0.1")},
                                   {{at("127.0.0.1"), networks(i % 2 == 0 ? "::/0" : "127.0.0.0/8")}});
      REQUIRE(change);
      REQUIRE(change->added.size() == 1);
      server.apply(std::move(*change));
    }
    done = true;
    reader.join();
  }
}

// What bounds one TCP connection for the sake of the others: turns, lifetime, limits that change; and PROXY
// headers, which decide whose connection it is.
#include "net/tcp_server.hpp"

#include "net_support.hpp"
#include "tcp_fixture.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

using namespace meridian;
using net_test::at;
using net_test::Client;
using net_test::eventually;
using net_test::framed;
using net_test::proxy_header;
using net_test::TcpFixture;
using stats::Counter;
using namespace std::chrono_literals;

namespace {

const net::ProxyNetworks kLoopback{base::parse_ip_prefix("127.0.0.0/8").value()};

}  // namespace

TEST_SUITE("net/tcp_turns") {
  TEST_CASE("a client that pipelines without end delays another's query by two turns at most") {
    TcpFixture fixture;
    const auto greedy = fixture.connect_served();
    const auto modest = fixture.connect_served();
    fixture.observed.hold();
    REQUIRE(greedy.send(framed("hold")));
    REQUIRE(fixture.observed.wait_until_waiting());
    // The only thread stands still; all this waits in the kernel, the modest query last.
    std::string stream;
    for (int i = 0; i < 5'000; ++i) stream += framed("q");
    REQUIRE(greedy.send(stream));
    REQUIRE(modest.send(framed("mark")));
    fixture.observed.let_go();
    REQUIRE(modest.receive_message() == "mark");
    // Two greetings, "hold", and what came before the mark.
    CHECK(fixture.observed.messages_at_mark <= 3 + 2 * base::limits::kTcpTurnQueries);
    for (int i = 0; i < 5'001; ++i) REQUIRE(greedy.receive_message());
    CHECK(fixture.counts(Counter::TcpAnswers, 5'004));
  }

  TEST_CASE("a new client that pipelines without end has no more in its first turn than in any other") {
    TcpFixture fixture;
    const auto modest = fixture.connect_served();
    const auto holding = fixture.connect_served();
    fixture.observed.hold();
    REQUIRE(holding.send(framed("hold")));
    REQUIRE(fixture.observed.wait_until_waiting());
    const auto greedy = fixture.connect();
    std::string stream;
    for (int i = 0; i < 1'000; ++i) stream += framed("q");
    REQUIRE(greedy.send(stream));
    REQUIRE(modest.send(framed("mark")));
    fixture.observed.let_go();
    REQUIRE(modest.receive_message() == "mark");
    // Two greetings, "hold", and what came before the mark.
    CHECK(fixture.observed.messages_at_mark <= 3 + 2 * base::limits::kTcpTurnQueries);
    for (int i = 0; i < 1'000; ++i) REQUIRE(greedy.receive_message());
  }

  TEST_CASE("an event of a connection that made room in the same round means nothing") {
    TcpFixture fixture({.connections_max = 2});
    const auto oldest = fixture.connect_served();
    const auto holding = fixture.connect_served();
    fixture.observed.hold();
    REQUIRE(holding.send(framed("hold")));
    REQUIRE(fixture.observed.wait_until_waiting());
    // The only thread stands still: it will hear of both at once, of the new one first.
    const auto fresh = fixture.connect();
    REQUIRE(fresh.send(framed("room, please")));
    REQUIRE(oldest.send(framed("too late")));
    fixture.observed.let_go();
    CHECK(fresh.receive_message() == "room, please");
    CHECK(oldest.is_closed_by_server());
    CHECK(holding.receive_message() == "hold");
    REQUIRE(holding.send(framed("still there")));
    CHECK(holding.receive_message() == "still there");
    CHECK(fixture.counters.value(Counter::TcpEvicted) == 1);
  }

  TEST_CASE("a query that waits for its connection to be accepted is answered in one turn") {
    TcpFixture fixture;
    const auto holding = fixture.connect_served();
    fixture.observed.hold();
    REQUIRE(holding.send(framed("hold")));
    REQUIRE(fixture.observed.wait_until_waiting());
    const auto fresh = fixture.connect();
    REQUIRE(fresh.send(framed("came along")));
    REQUIRE(::shutdown(fresh.fd(), SHUT_WR) == 0);
    fixture.observed.let_go();
    CHECK(fresh.receive_message() == "came along");
    CHECK(fresh.is_closed_by_server());
    CHECK(fixture.counters.value(Counter::TcpAborted) == 0);
  }

  TEST_CASE("a connection ends after its lifetime, between two messages") {
    const TcpFixture fixture({.lifetime = 0ms});
    const auto client = fixture.connect();
    REQUIRE(client.send(framed("one") + framed("two")));
    CHECK(client.receive_message() == "one");
    CHECK(client.receive_message() == "two");
    CHECK(client.is_closed_by_server());
    CHECK(fixture.counters.value(Counter::TcpLifetimeClosed) == 1);
    CHECK(fixture.counters.value(Counter::TcpAborted) == 0);
  }

  TEST_CASE("who is never between two messages lives only a message's time longer") {
    const TcpFixture fixture({.transfer = 50ms, .lifetime = 0ms});
    const auto client = fixture.connect();
    const auto message = framed("message");
    // Each send ends one message and begins the next.
    REQUIRE(client.send(message.substr(0, 4)));
    CHECK(eventually([&] {
      static_cast<void>(client.send(message.substr(4) + message.substr(0, 4)));
      static_cast<void>(client.receive(MSG_DONTWAIT));
      return fixture.counters.value(Counter::TcpLifetimeClosed) == 1;
    }));
    CHECK(fixture.counters.value(Counter::TcpTimeouts) == 0);
  }

  TEST_CASE("new limits hold for connections that are open, from any thread") {
    const TcpFixture fixture({.idle = 3'600s});
    const auto first = fixture.connect_served();
    fixture.server->set_limits({.idle = 20ms});
    CHECK(first.is_closed_by_server());
    CHECK(fixture.counts(Counter::TcpIdleClosed, 1));
  }

  TEST_CASE("a lower limit of connections lets those that are open end, and evicts as room is needed") {
    const TcpFixture fixture({.connections_max = 3});
    const auto first = fixture.connect_served();
    const auto second = fixture.connect_served();
    const auto third = fixture.connect_served();
    fixture.server->set_limits({.connections_max = 1});
    // Behind the order, in the same thread's queue of events or a later one.
    REQUIRE(third.send(framed("still there")));
    CHECK(third.receive_message() == "still there");
    CHECK(eventually([&] {
      const auto fourth = fixture.connect_served();
      return fixture.counters.value(Counter::TcpEvicted) >= 3;
    }));
  }

  TEST_CASE("listeners come and go while the server runs") {
    const TcpFixture fixture;
    auto another = net::bind_tcp(at("127.0.0.1"));
    REQUIRE(another);
    const auto listen = net::local_address(*another);
    const int descriptor = another->get();
    fixture.server->add_listener({std::move(*another)});
    const Client client(SOCK_STREAM, listen);
    REQUIRE(client.send(framed("here too")));
    CHECK(client.receive_message() == "here too");
    fixture.server->remove_listener(descriptor);
    CHECK(eventually([&] {
      const net::FileDescriptor late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const auto address = net::to_socket_address(listen);
      return ::connect(late.get(), net_test::raw(address), address.bytes) != 0;
    }));
    REQUIRE(client.send(framed("still served")));
    CHECK(client.receive_message() == "still served");
    const auto old = fixture.connect_served();
  }

  TEST_CASE("after a hand-over nothing is accepted, and who is connected is served for a while") {
    const TcpFixture fixture({.drain = 3'600s, .linger = 3'600s});
    const auto client = fixture.connect_served();
    // As the new process has it: what comes is no business of the old one.
    const net::FileDescriptor handed_over(::dup(fixture.listener));
    REQUIRE(handed_over);
    fixture.server->request_hand_over();
    REQUIRE(client.send(framed("before or after")));
    REQUIRE(client.receive_message() == "before or after");
    CHECK(eventually([&] { return ::fcntl(fixture.listener, F_GETFD) < 0; }));
    const auto late = fixture.connect();
    REQUIRE(late.send(framed("for the new one")));
    REQUIRE(client.send(framed("served on")));
    CHECK(client.receive_message() == "served on");
    REQUIRE(::shutdown(client.fd(), SHUT_WR) == 0);
    CHECK(client.is_closed_by_server());
    // The last one left: nothing to linger for.
    fixture.server->join();
    CHECK(fixture.counters.value(Counter::TcpConnections) == 1);
    CHECK(net::FileDescriptor(::accept(handed_over.get(), nullptr, nullptr)));
  }

  TEST_CASE("after a hand-over a listener that comes late is let go, and nobody lingers past the limit") {
    const TcpFixture fixture({.drain = 3'600s, .linger = 50ms});
    const auto client = fixture.connect_served();
    fixture.server->request_hand_over();
    auto another = net::bind_tcp(at("127.0.0.1"));
    REQUIRE(another);
    const auto listen = net::local_address(*another);
    fixture.server->add_listener({std::move(*another)});
    CHECK(client.is_closed_by_server());
    fixture.server->join();
    const net::FileDescriptor late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = net::to_socket_address(listen);
    CHECK(::connect(late.get(), net_test::raw(address), address.bytes) != 0);
  }

  TEST_CASE("behind a proxy each connection is its client's, however the header comes") {
    const TcpFixture fixture({}, "127.0.0.1", kLoopback);
    struct Row {
      const char* why;
      std::string header;
      const char* peer;
    };
    const Row rows[] = {
        {"a client", proxy_header("192.0.2.7", 4'711), "192.0.2.7"},
        {"a client over IPv6 with TLVs", proxy_header("2001:db8::7", 4'711, 0x21, "TLVs"), "2001:db8::7"},
        {"the proxy itself", proxy_header("192.0.2.7", 4'711, 0x20), "127.0.0.1"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto whole = fixture.connect();
      REQUIRE(whole.send(row.header + framed("one") + framed("two")));
      CHECK(whole.receive_message() == "one");
      CHECK(whole.receive_message() == "two");
      CHECK(fixture.observed.last_peer().address == at(row.peer).address);
      const auto slow = fixture.connect();
      for (const char byte : row.header + framed("byte by byte")) REQUIRE(slow.send({&byte, 1}));
      CHECK(slow.receive_message() == "byte by byte");
      CHECK(fixture.observed.last_peer().address == at(row.peer).address);
      CHECK(fixture.observed.last_peer().tcp);
    }
  }

  TEST_CASE("without a proper header, or from a stranger, a connection is closed before any query is read") {
    struct Row {
      const char* why;
      const char* proxies;
      std::string bytes;
      Counter counter;
    };
    const Row rows[] = {
        {"no header", "127.0.0.0/8", framed("query"), Counter::TcpProxyMalformed},
        {"the text form", "127.0.0.0/8", "PROXY TCP4 192.0.2.7 198.51.100.53 4711 53\r\n",
         Counter::TcpProxyMalformed},
        {"a stranger", "192.0.2.0/24", proxy_header("192.0.2.7", 4'711) + framed("query"),
         Counter::TcpProxyDenied},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const TcpFixture fixture({}, "127.0.0.1", {base::parse_ip_prefix(row.proxies).value()});
      const auto client = fixture.connect();
      static_cast<void>(client.send(row.bytes));
      CHECK(client.is_closed_by_server());
      CHECK(fixture.counts(row.counter, 1));
      CHECK(fixture.counters.value(Counter::TcpQueries) == 0);
    }
  }

  TEST_CASE("a header must come in time, like any message") {
    const TcpFixture fixture({.idle = 3'600s, .transfer = 30ms}, "127.0.0.1", kLoopback);
    const auto client = fixture.connect();
    REQUIRE(client.send(proxy_header("192.0.2.7", 4'711).substr(0, 20)));
    CHECK(client.is_closed_by_server());
    CHECK(fixture.counts(Counter::TcpTimeouts, 1));
  }

  TEST_CASE("behind a proxy the limit is each client's, not the proxy's") {
    const TcpFixture fixture({.connections_per_client_max = 1}, "127.0.0.1", kLoopback);
    const auto ask = [&](const Client& proxy, const char* client, std::string_view more) {
      REQUIRE(proxy.send(proxy_header(client, 4'711) + framed("query") + std::string(more)));
      return proxy.receive_message() == "query";
    };
    const auto first = fixture.connect();
    const auto second = fixture.connect();
    const auto third = fixture.connect();
    CHECK(ask(first, "192.0.2.7", framed("half").substr(0, 3)));
    CHECK(ask(second, "192.0.2.8", ""));
    CHECK_FALSE(ask(third, "192.0.2.7", ""));
    CHECK(fixture.counts(Counter::TcpRejectedClientLimit, 1));
    CHECK(fixture.counters.value(Counter::TcpConnections) == 3);
  }

  TEST_CASE("an IPv6 client is its /64, an IPv4 client its address") {
    struct Row {
      const char* why;
      const char* first;
      const char* second;
      bool is_one;
    };
    const Row rows[] = {
        {"within a /64", "2001:db8::7", "2001:db8::1:2:3:4", true},
        {"the next /64", "2001:db8::7", "2001:db8:0:1::7", false},
        {"the next IPv4 address", "192.0.2.6", "192.0.2.7", false},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const TcpFixture fixture({.connections_per_client_max = 1}, "127.0.0.1", kLoopback);
      const auto first = fixture.connect();
      // Within a message, so that it is not closed for the other one.
      REQUIRE(first.send(proxy_header(row.first, 4'711) + framed("query") + framed("half").substr(0, 3)));
      REQUIRE(first.receive_message() == "query");
      const auto second = fixture.connect();
      REQUIRE(second.send(proxy_header(row.second, 4'711) + framed("query")));
      CHECK((second.receive_message() == "query") != row.is_one);
    }
  }

  TEST_CASE("a stop does not take a half header for a query") {
    const TcpFixture fixture({.drain = 3'600s}, "127.0.0.1", kLoopback);
    const auto client = fixture.connect();
    REQUIRE(client.send(proxy_header("192.0.2.7", 4'711).substr(0, 20)));
    REQUIRE(eventually([&] { return fixture.counters.value(Counter::TcpConnections) == 1; }));
    fixture.stop();
    CHECK(client.is_closed_by_server());
    CHECK(fixture.counters.value(Counter::TcpBadLength) == 0);
  }
}

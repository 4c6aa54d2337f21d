#include "net/tcp_server.hpp"

#include "net_support.hpp"
#include "tcp_fixture.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

using namespace meridian;
using net_test::at;
using net_test::Client;
using net_test::eventually;
using net_test::framed;
using Fixture = net_test::TcpFixture;
using stats::Counter;
using namespace std::chrono_literals;

namespace {

/// While it lives, this process may open one more descriptor.
class OneDescriptorLeft {
 public:
  OneDescriptorLeft() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const net::FileDescriptor next_free(::dup(STDIN_FILENO));
    REQUIRE(next_free);
    auto tight = before_;
    tight.rlim_cur = static_cast<rlim_t>(next_free.get()) + 1;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
  }
  OneDescriptorLeft(const OneDescriptorLeft&) = delete;
  OneDescriptorLeft& operator=(const OneDescriptorLeft&) = delete;
  ~OneDescriptorLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

/// The undefined-behaviour sanitizer opens a pipe to check a vptr, and calls the object broken when it
/// cannot.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kDescriptorsNeededBySanitizer = true;
#else
constexpr bool kDescriptorsNeededBySanitizer = false;
#endif

}  // namespace

TEST_SUITE("net/tcp_server") {
  TEST_CASE("a query over either family is answered, and the handler learns who asked") {
    for (const char* address : {"127.0.0.1", "::1"}) {
      CAPTURE(address);
      const Fixture fixture({}, address);
      const auto client = fixture.connect_served();
      const auto peer = fixture.observed.last_peer();
      CHECK(peer.address == at(address).address);
      CHECK(peer.port == client.port());
      CHECK(peer.tcp);
      CHECK(fixture.counters.value(Counter::TcpConnections) == 1);
      CHECK(fixture.counters.value(Counter::TcpQueries) == 1);
      CHECK(fixture.counts(Counter::TcpAnswers, 1));
    }
  }

  TEST_CASE("a hundred pipelined queries are answered in their order") {
    const Fixture fixture;
    const auto client = fixture.connect();
    std::string stream;
    for (int i = 0; i < 100; ++i) stream += framed("query " + std::to_string(i));
    REQUIRE(client.send(stream));
    for (int i = 0; i < 100; ++i) CHECK(client.receive_message() == "query " + std::to_string(i));
    CHECK(fixture.counts(Counter::TcpAnswers, 100));
  }

  TEST_CASE("pipelined queries with the largest answers are answered in their order") {
    const Fixture fixture;
    const auto client = fixture.connect();
    std::string stream;
    for (int i = 0; i < 20; ++i) stream += framed("large" + std::to_string(i) + '.');
    REQUIRE(client.send(stream));
    for (int i = 0; i < 20; ++i) {
      const auto message = client.receive_message();
      REQUIRE(message);
      CHECK(message->size() == base::limits::kTcpMessageBytesMax);
      CHECK(message->rfind("large" + std::to_string(i) + '.', 0) == 0);
    }
  }

  TEST_CASE("a query that comes byte by byte is answered") {
    const Fixture fixture;
    const auto client = fixture.connect();
    for (int round = 0; round < 3; ++round) {
      for (const char byte : framed("slow and steady")) REQUIRE(client.send({&byte, 1}));
      CHECK(client.receive_message() == "slow and steady");
    }
  }

  TEST_CASE("a client that ends its side after asking still gets its answers, then the end") {
    const Fixture fixture;
    const auto client = fixture.connect();
    REQUIRE(client.send(framed("one") + framed("two")));
    REQUIRE(::shutdown(client.fd(), SHUT_WR) == 0);
    CHECK(client.receive_message() == "one");
    CHECK(client.receive_message() == "two");
    CHECK(client.is_closed_by_server());
    CHECK(fixture.counters.value(Counter::TcpAborted) == 0);
  }

  TEST_CASE("a length that cannot be right ends the connection after the answers before it") {
    for (const char* length : {"zero", "past the limit"}) {
      CAPTURE(length);
      const Fixture fixture;
      const auto client = fixture.connect();
      const std::string bad =
          std::string_view(length) == "zero" ? std::string(2, '\0') : std::string("\x10\x01");
      REQUIRE(client.send(framed("good") + bad));
      CHECK(client.receive_message() == "good");
      CHECK(client.is_closed_by_server());
      CHECK(fixture.counters.value(Counter::TcpBadLength) == 1);
      CHECK(fixture.counters.value(Counter::TcpAnswers) == 1);
    }
  }

  TEST_CASE("a message that deserves no answer ends the connection after the answers before it") {
    const Fixture fixture;
    const auto client = fixture.connect();
    REQUIRE(client.send(framed("good") + framed("silent") + framed("never looked at")));
    CHECK(client.receive_message() == "good");
    CHECK(client.is_closed_by_server());
    CHECK(fixture.counters.value(Counter::TcpUnanswered) == 1);
    CHECK(fixture.counters.value(Counter::TcpQueries) == 2);
  }

  TEST_CASE("a client that leaves within a message is counted, one that leaves between messages is not") {
    const Fixture fixture;
    { const auto client = fixture.connect_served(); }
    {
      const auto client = fixture.connect_served();
      REQUIRE(client.send(framed("whole message").substr(0, 5)));
    }
    CHECK(fixture.counts(Counter::TcpAborted, 1));
    fixture.stop();
    CHECK(fixture.counters.value(Counter::TcpAborted) == 1);
  }

  TEST_CASE("a client that breaks off before its answers, or while it takes them, is counted") {
    Fixture fixture;
    {
      const auto client = fixture.connect_served();
      const linger at_once{.l_onoff = 1, .l_linger = 0};
      REQUIRE(::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
      fixture.observed.hold();
      REQUIRE(client.send(framed("hold")));
      REQUIRE(fixture.observed.wait_until_waiting());
    }
    fixture.observed.let_go();
    CHECK(fixture.counts(Counter::TcpAborted, 1));
    {
      const Client client(SOCK_STREAM, fixture.listen, 4'096);
      std::string stream;
      for (int i = 0; i < 50; ++i) stream += framed("large");
      REQUIRE(client.send(stream));
      REQUIRE(client.receive());
    }
    CHECK(fixture.counts(Counter::TcpAborted, 2));
    CHECK(fixture.counters.value(Counter::TcpTimeouts) == 0);
  }

  TEST_CASE("what ends a connection waits until the answers before it are taken, however slowly") {
    const Fixture fixture;
    const int least = 1;  // the kernel makes it what it must be
    REQUIRE(::setsockopt(fixture.listener, SOL_SOCKET, SO_SNDBUF, &least, sizeof least) == 0);
    const Client client(SOCK_STREAM, fixture.listen, 4'096);
    REQUIRE(client.send(framed("medium") + framed("silent") + framed("never looked at")));
    REQUIRE(eventually([&] { return fixture.counters.value(Counter::TcpUnanswered) == 1; }));
    CHECK(client.receive_message()->size() == net_test::kMediumBytes);
    CHECK(client.is_closed_by_server());
    CHECK(fixture.counters.value(Counter::TcpQueries) == 2);
    CHECK(fixture.counters.value(Counter::TcpAnswers) == 1);
  }

  TEST_CASE("an idle connection is closed, whether it ever asked or not") {
    const Fixture fixture({.idle = 30ms});
    const auto asked = fixture.connect_served();
    const auto never_asked = fixture.connect();
    CHECK(asked.is_closed_by_server());
    CHECK(never_asked.is_closed_by_server());
    CHECK(fixture.counts(Counter::TcpIdleClosed, 2));
    CHECK(fixture.counters.value(Counter::TcpTimeouts) == 0);
  }

  TEST_CASE("a message has one deadline, however often another byte of it comes") {
    const Fixture fixture({.transfer = 50ms});
    const auto client = fixture.connect();
    const auto message = framed(std::string(base::limits::kQueryBytesMax, 'q'));
    std::size_t sent = 0;
    // As fast as the server reads, the message would be whole long before; so it is never sent whole.
    CHECK(eventually([&] {
      if (sent + 1 < message.size() && client.send({&message[sent], 1})) ++sent;
      return fixture.counters.value(Counter::TcpTimeouts) == 1;
    }));
    CHECK(client.is_closed_by_server());
    CHECK(fixture.counters.value(Counter::TcpIdleClosed) == 0);
    CHECK(fixture.counters.value(Counter::TcpQueries) == 0);
  }

  TEST_CASE("a client that does not take its answers is cut off, and nothing more is read from it") {
    const Fixture fixture({.transfer = 100ms});
    const Client client(SOCK_STREAM, fixture.listen, 4'096);
    std::string stream;
    // 2,000 answers of 64 KiB are far more than any socket buffers hold.
    for (int i = 0; i < 2'000; ++i) stream += framed("large");
    REQUIRE(client.send(stream));
    CHECK(fixture.counts(Counter::TcpTimeouts, 1));
    CHECK(fixture.counters.value(Counter::TcpQueries) < 2'000);
    CHECK(fixture.counters.value(Counter::TcpAborted) == 0);
  }

  TEST_CASE("at its own limit a client network's longest idle connection makes room") {
    const Fixture fixture({.connections_per_client_max = 2});
    const auto first = fixture.connect_served();
    const auto second = fixture.connect_served();
    // Now the first one is idle for a shorter time than the second.
    REQUIRE(first.send(framed("again")));
    REQUIRE(first.receive_message() == "again");
    const auto third = fixture.connect_served();
    CHECK(second.is_closed_by_server());
    REQUIRE(first.send(framed("kept")));
    CHECK(first.receive_message() == "kept");
    CHECK(fixture.counters.value(Counter::TcpEvictedClientLimit) == 1);
    CHECK(fixture.counters.value(Counter::TcpEvicted) == 0);
    CHECK(fixture.counters.value(Counter::TcpRejectedClientLimit) == 0);
  }

  TEST_CASE("at its own limit a client network is refused while none is idle, and nobody else suffers") {
    const Fixture fixture({.connections_max = 3, .connections_per_client_max = 1});
    const auto busy = fixture.connect();
    REQUIRE(busy.send(framed("whole message") + framed("half a message").substr(0, 4)));
    REQUIRE(busy.receive_message() == "whole message");
    const auto late = fixture.connect();
    CHECK(late.is_closed_by_server());
    CHECK(fixture.counts(Counter::TcpRejectedClientLimit, 1));
    CHECK(fixture.counters.value(Counter::TcpEvictedClientLimit) == 0);
    CHECK(fixture.counters.value(Counter::TcpConnections) == 1);
    REQUIRE(busy.send(framed("half a message").substr(4)));
    CHECK(busy.receive_message() == "half a message");
    const auto third = fixture.connect_served();
    CHECK(busy.is_closed_by_server());
  }

  TEST_CASE("at the server's limit the longest idle connection makes room") {
    const Fixture fixture({.connections_max = 2});
    const auto first = fixture.connect_served();
    const auto second = fixture.connect_served();
    // Now the first one is idle for a shorter time than the second.
    REQUIRE(first.send(framed("again")));
    REQUIRE(first.receive_message() == "again");
    const auto third = fixture.connect_served();
    CHECK(second.is_closed_by_server());
    REQUIRE(first.send(framed("kept")));
    CHECK(first.receive_message() == "kept");
    CHECK(fixture.counters.value(Counter::TcpEvicted) == 1);
    CHECK(fixture.counters.value(Counter::TcpConnections) == 3);
  }

  TEST_CASE("at the server's limit a new connection is refused when none is idle") {
    const Fixture fixture({.connections_max = 1});
    const auto busy = fixture.connect();
    // Both in one segment: once the first is answered, the server has the half message too and is not idle.
    REQUIRE(busy.send(framed("whole message") + framed("half a message").substr(0, 4)));
    REQUIRE(busy.receive_message() == "whole message");
    const auto late = fixture.connect();
    CHECK(late.is_closed_by_server());
    CHECK(fixture.counts(Counter::TcpRejectedLimit, 1));
    CHECK(fixture.counters.value(Counter::TcpEvicted) == 0);
    REQUIRE(busy.send(framed("half a message").substr(4)));
    CHECK(busy.receive_message() == "half a message");
  }

  TEST_CASE("without descriptors the server pauses, and serves who waited once there are some" *
            doctest::skip(kDescriptorsNeededBySanitizer)) {
    const Fixture fixture;
    // Once it has served somebody, the server stands in accept and opens nothing behind our back.
    const auto settled = fixture.connect_served();
    auto limit = std::make_unique<OneDescriptorLeft>();
    // The client takes the last descriptor; the server's end of the connection finds none.
    const auto client = fixture.connect();
    CHECK(eventually([&] { return fixture.counters.value(Counter::TcpAcceptErrors) > 0; }));
    limit.reset();
    REQUIRE(client.send(framed("patience")));
    CHECK(client.receive_message() == "patience");
    CHECK(fixture.counters.value(Counter::TcpConnections) == 2);
  }

  TEST_CASE("a stop closes idle connections at once and refuses new ones") {
    const Fixture fixture({.drain = 3'600s});
    const auto client = fixture.connect_served();
    const auto half = fixture.connect_served();
    REQUIRE(half.send(framed("half").substr(0, 3)));
    fixture.stop();
    CHECK(client.is_closed_by_server());
    CHECK(half.is_closed_by_server());
    CHECK(fixture.counters.value(Counter::TcpAborted) == 0);  // it is we who leave
    const net::FileDescriptor late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = net::to_socket_address(fixture.listen);
    CHECK(::connect(late.get(), net_test::raw(address), address.bytes) != 0);
  }

  TEST_CASE("a stop answers what had arrived, even on connections not yet accepted") {
    Fixture fixture({.drain = 3'600s});
    const auto open = fixture.connect_served();
    const auto holding = fixture.connect_served();
    fixture.observed.hold();
    REQUIRE(holding.send(framed("hold")));
    REQUIRE(fixture.observed.wait_until_waiting());
    // The only thread stands still: these wait in the kernel.
    REQUIRE(open.send(framed("asked before")));
    const auto fresh = fixture.connect();
    REQUIRE(fresh.send(framed("never accepted yet")));
    fixture.server->request_stop();
    fixture.observed.let_go();
    fixture.server->join();
    CHECK(holding.receive_message() == "hold");
    CHECK(open.receive_message() == "asked before");
    CHECK(fresh.receive_message() == "never accepted yet");
    for (const auto* client : {&open, &holding, &fresh}) CHECK(client->is_closed_by_server());
  }

  TEST_CASE("a stop lets a slow client finish, but only for so long") {
    for (const bool reads : {true, false}) {
      CAPTURE(reads);
      const Fixture fixture({.transfer = 3'600s, .drain = reads ? 3'600'000ms : 50ms});
      const Client client(SOCK_STREAM, fixture.listen, 4'096);
      std::string stream;
      for (int i = 0; i < 200; ++i) stream += framed("large");
      REQUIRE(client.send(stream));
      REQUIRE(client.receive_message());
      fixture.server->request_stop();
      std::size_t received = 1;
      while (reads && client.receive_message()) ++received;
      fixture.server->join();
      CHECK(received == (reads ? 200 : 1));
      CHECK(fixture.counters.value(Counter::TcpTimeouts) == (reads ? 0 : 1));
      if (reads) CHECK(fixture.counters.value(Counter::TcpAnswers) == 200);
    }
  }
}

#include "net/udp_worker.hpp"

#include "net_support.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include <set>
#include <string>

using namespace meridian;
using net_test::at;
using net_test::Client;
using net_test::eventually;
using net_test::Observed;
using stats::Counter;

namespace {

/// A running worker on one address.
struct Fixture {
  explicit Fixture(std::string_view address, const net::ProxyNetworks& proxies = {}) {
    auto sockets = net::bind_udp(at(address), 1);
    REQUIRE(sockets);
    listen = net::local_address(sockets->front());
    std::vector<net::ListenSocket> own;
    own.push_back({std::move(sockets->front()), proxies});
    worker = std::make_unique<net::UdpWorker>(std::move(own),
                                              std::make_unique<net_test::EchoHandler>(observed), counters);
    worker->start(net::WorkerIndex{0});
  }
  ~Fixture() { observed.let_go(); }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  void stop() const {
    worker->request_stop();
    worker->join();
  }
  /// Keeps the worker busy with one query until let_go().
  void hold_worker(const Client& client) {
    observed.hold();
    REQUIRE(client.send("hold"));
    REQUIRE(observed.wait_until_waiting());
  }

  Observed observed;
  stats::Counters counters;
  net::ListenAddress listen;
  std::unique_ptr<net::UdpWorker> worker;
};

/// Sends a datagram with any source through a raw socket. False where this user may not.
bool send_forged(const net::ListenAddress& from, const net::ListenAddress& to, std::string_view payload) {
  const net::FileDescriptor raw_socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!raw_socket) return false;
  ip header{};
  header.ip_v = 4;
  header.ip_hl = 5;
  header.ip_ttl = 64;
  header.ip_p = IPPROTO_UDP;
  header.ip_src.s_addr = htonl(from.address.v4_word());
  header.ip_dst.s_addr = htonl(to.address.v4_word());
  udphdr udp{};
  udp.uh_sport = htons(from.port);
  udp.uh_dport = htons(to.port);
  udp.uh_ulen = htons(static_cast<std::uint16_t>(sizeof udp + payload.size()));
  std::string packet(sizeof header + sizeof udp, '\0');
  std::memcpy(packet.data(), &header, sizeof header);
  std::memcpy(packet.data() + sizeof header, &udp, sizeof udp);
  packet += payload;
  const auto address = net::to_socket_address({.address = to.address, .port = 0});
  return ::sendto(raw_socket.get(), packet.data(), packet.size(), 0, net_test::raw(address), address.bytes) ==
         static_cast<ssize_t>(packet.size());
}

}  // namespace

TEST_SUITE("net/udp_worker") {
  TEST_CASE("a query over either family is answered, and the handler learns who asked") {
    for (const char* address : {"127.0.0.1", "::1"}) {
      CAPTURE(address);
      Fixture fixture(address);
      const Client client(SOCK_DGRAM, fixture.listen);
      REQUIRE(client.send("hello"));
      CHECK(client.receive() == "hello");
      const auto peer = fixture.observed.last_peer();
      CHECK(peer.address == at(address).address);
      CHECK(peer.port == client.port());
      CHECK_FALSE(peer.tcp);
      fixture.stop();
      CHECK(fixture.counters.value(Counter::UdpQueries) == 1);
      CHECK(fixture.counters.value(Counter::UdpAnswers) == 1);
    }
  }

  TEST_CASE("on a wildcard address the answer leaves from the address that was asked") {
    struct Row {
      const char* listen;
      const char* asked;
    };
    // Connected clients take answers from the address they asked only.
    for (const auto& row : {Row{"0.0.0.0", "127.0.0.2"}, Row{"0.0.0.0", "127.0.0.1"}, Row{"::", "::1"}}) {
      CAPTURE(row.asked);
      const Fixture fixture(row.listen);
      const Client client(SOCK_DGRAM, at(row.asked, fixture.listen.port));
      REQUIRE(client.send("who are you"));
      CHECK(client.receive() == "who are you");
    }
  }

  TEST_CASE("more datagrams than a batch holds are all answered, each to its sender") {
    Fixture fixture("127.0.0.1");
    const Client first(SOCK_DGRAM, fixture.listen);
    const Client second(SOCK_DGRAM, fixture.listen);
    fixture.hold_worker(first);
    std::set<std::string> sent[2];
    for (int i = 0; i < 100; ++i) {
      const auto text = "query " + std::to_string(i);
      REQUIRE((i % 2 == 0 ? first : second).send(text));
      sent[i % 2].insert(text);
    }
    fixture.observed.let_go();
    CHECK(first.receive() == "hold");
    std::set<std::string> received[2];
    for (int i = 0; i < 50; ++i) {
      received[0].insert(first.receive().value_or("nothing"));
      received[1].insert(second.receive().value_or("nothing"));
    }
    CHECK(received[0] == sent[0]);
    CHECK(received[1] == sent[1]);
    CHECK(fixture.observed.largest_batch == base::limits::kUdpBatch);
  }

  TEST_CASE("a handler that says nothing sends nothing, and its neighbours in the batch are answered") {
    Fixture fixture("127.0.0.1");
    const Client client(SOCK_DGRAM, fixture.listen);
    fixture.hold_worker(client);
    for (const char* text : {"before", "silent", "after"}) REQUIRE(client.send(text));
    fixture.observed.let_go();
    for (const char* text : {"hold", "before", "after"}) CHECK(client.receive() == text);
    fixture.stop();
    CHECK_FALSE(client.receive(MSG_DONTWAIT));
    CHECK(fixture.counters.value(Counter::UdpQueries) == 4);
    CHECK(fixture.counters.value(Counter::UdpAnswers) == 3);
  }

  TEST_CASE("a datagram longer than any query is dropped and counted, the longest is not") {
    Fixture fixture("127.0.0.1");
    const Client client(SOCK_DGRAM, fixture.listen);
    REQUIRE(client.send(std::string(base::limits::kQueryBytesMax + 1, 'l')));
    REQUIRE(client.send(std::string(base::limits::kQueryBytesMax, 'q')));
    CHECK(client.receive() == std::string(base::limits::kUdpAnswerBytesMax, 'q'));
    fixture.stop();
    CHECK(fixture.counters.value(Counter::UdpOversized) == 1);
    CHECK(fixture.counters.value(Counter::UdpQueries) == 1);
  }

  TEST_CASE("an empty datagram reaches the handler, which decides") {
    Fixture fixture("127.0.0.1");
    const Client client(SOCK_DGRAM, fixture.listen);
    REQUIRE(client.send(""));
    REQUIRE(client.send("next"));
    CHECK(client.receive() == "next");
    fixture.stop();
    CHECK(fixture.counters.value(Counter::UdpQueries) == 2);
    CHECK(fixture.counters.value(Counter::UdpAnswers) == 1);
  }

  TEST_CASE("source port 0 is dropped and counted") {
    Fixture fixture("127.0.0.1");
    if (!send_forged(at("127.0.0.1", 0), fixture.listen, "forged")) {
      MESSAGE("not checked: raw sockets need CAP_NET_RAW");
      return;
    }
    const Client client(SOCK_DGRAM, fixture.listen);
    REQUIRE(client.send("real"));
    CHECK(client.receive() == "real");
    fixture.stop();
    CHECK(fixture.counters.value(Counter::UdpPortZero) == 1);
    CHECK(fixture.counters.value(Counter::UdpQueries) == 1);
  }

  TEST_CASE("an answer the kernel refuses is counted, and those behind it are sent") {
    Fixture fixture("127.0.0.1");
    const Client client(SOCK_DGRAM, fixture.listen);
    fixture.hold_worker(client);
    REQUIRE(client.send("before"));
    // Sending to a broadcast address needs an option that the server never sets.
    const bool forged = send_forged(at("127.255.255.255", 5'353), fixture.listen, "forged");
    REQUIRE(client.send("after"));
    fixture.observed.let_go();
    for (const char* text : {"hold", "before", "after"}) CHECK(client.receive() == text);
    fixture.stop();
    if (!forged) {
      MESSAGE("not checked: raw sockets need CAP_NET_RAW");
      return;
    }
    CHECK(fixture.counters.value(Counter::UdpQueries) == 4);
    CHECK(fixture.counters.value(Counter::UdpAnswers) == 3);
    CHECK(fixture.counters.value(Counter::UdpSendErrors) == 1);
  }

  TEST_CASE("what the kernel drops before a worker that is behind is counted once it has caught up") {
    Fixture fixture("127.0.0.1");
    const Client client(SOCK_DGRAM, fixture.listen);
    fixture.hold_worker(client);
    // Each takes 4 KiB or more of the buffer, which holds 4 MiB and, doubled by the kernel, at most 8.
    constexpr std::size_t kSent = 4'096;
    const std::string text(base::limits::kQueryBytesMax, 'q');
    for (std::size_t i = 0; i < kSent; ++i) REQUIRE(client.send(text));
    fixture.observed.let_go();
    const auto fetched = [&] { return fixture.counters.value(Counter::UdpQueries) - 1; };
    const auto dropped = [&] { return fixture.counters.value(Counter::UdpReceiveDrops); };
    CHECK(net_test::eventually([&] { return fetched() + dropped() == kSent; }));
    CHECK(dropped() > 0);
    fixture.stop();
    CHECK(fetched() + dropped() == kSent);
  }

  TEST_CASE("what was queued before the stop is answered") {
    Fixture fixture("127.0.0.1");
    const Client client(SOCK_DGRAM, fixture.listen);
    fixture.hold_worker(client);
    for (int i = 0; i < 100; ++i) REQUIRE(client.send("query"));
    fixture.worker->request_stop();
    fixture.observed.let_go();
    fixture.worker->join();
    CHECK(client.receive(MSG_DONTWAIT) == "hold");
    for (int i = 0; i < 100; ++i) CHECK(client.receive(MSG_DONTWAIT) == "query");
  }

  TEST_CASE("a stop ends the worker although traffic flows on") {
    Fixture fixture("127.0.0.1");
    const Client client(SOCK_DGRAM, fixture.listen);
    std::atomic<bool> done{false};
    std::thread flood([&] {
      while (!done) static_cast<void>(client.send("silent flood"));
    });
    CHECK(net_test::eventually([&] { return fixture.observed.messages > 1'000; }));
    fixture.stop();
    done = true;
    flood.join();
    CHECK(fixture.counters.value(Counter::UdpQueries) == fixture.observed.messages);
  }

  TEST_CASE("one worker serves several sockets") {
    Observed observed;
    stats::Counters counters;
    std::vector<net::ListenSocket> sockets;
    std::vector<net::ListenAddress> addresses;
    for (const char* address : {"127.0.0.1", "::1", "127.0.0.3"}) {
      auto bound = net::bind_udp(at(address), 1);
      REQUIRE(bound);
      addresses.push_back(net::local_address(bound->front()));
      sockets.push_back({std::move(bound->front())});
    }
    net::UdpWorker worker(std::move(sockets), std::make_unique<net_test::EchoHandler>(observed), counters);
    worker.start(net::WorkerIndex{0});
    for (const auto& address : addresses) {
      CAPTURE(net::to_string(address));
      const Client client(SOCK_DGRAM, address);
      REQUIRE(client.send("you too?"));
      CHECK(client.receive() == "you too?");
    }
  }

  TEST_CASE("behind a proxy the client of the header is the peer, and the proxy gets the answer") {
    struct Row {
      const char* why;
      std::string header;
      const char* peer;
    };
    const Row rows[] = {
        {"a client", net_test::proxy_header("192.0.2.7", 4'711), "192.0.2.7"},
        {"a client over IPv6", net_test::proxy_header("2001:db8::7", 4'711), "2001:db8::7"},
        {"the proxy itself", net_test::proxy_header("192.0.2.7", 4'711, 0x20), "127.0.0.1"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const Fixture fixture("127.0.0.1", {base::parse_ip_prefix("127.0.0.0/8").value()});
      const Client proxy(SOCK_DGRAM, fixture.listen);
      REQUIRE(proxy.send(row.header + "query"));
      CHECK(proxy.receive() == "query");
      const auto peer = fixture.observed.last_peer();
      CHECK(peer.address == at(row.peer).address);
      CHECK(peer.port == (std::string_view(row.peer) == "127.0.0.1" ? proxy.port() : 4'711));
      CHECK_FALSE(peer.tcp);
      CHECK(fixture.counters.value(Counter::UdpQueries) == 1);
    }
  }

  TEST_CASE("what has no proper header is dropped and the others of the batch keep their answers") {
    Fixture fixture("127.0.0.1", {base::parse_ip_prefix("127.0.0.1").value()});
    const Client proxy(SOCK_DGRAM, fixture.listen);
    const auto header = net_test::proxy_header("192.0.2.7", 4'711);
    fixture.observed.hold();
    REQUIRE(proxy.send(header + "hold"));
    REQUIRE(fixture.observed.wait_until_waiting());
    // The worker stands still: these are one batch.
    REQUIRE(proxy.send("no header"));
    REQUIRE(proxy.send(header + "first"));
    REQUIRE(proxy.send(header.substr(0, 20)));
    REQUIRE(proxy.send(header + "silent"));
    REQUIRE(proxy.send(header + "second"));
    fixture.observed.let_go();
    CHECK(proxy.receive() == "hold");
    CHECK(proxy.receive() == "first");
    CHECK(proxy.receive() == "second");
    fixture.stop();
    CHECK(fixture.counters.value(Counter::UdpProxyMalformed) == 2);
    CHECK(fixture.counters.value(Counter::UdpProxyDenied) == 0);
    CHECK(fixture.counters.value(Counter::UdpAnswers) == 3);
    CHECK(fixture.observed.messages == 4);
  }

  TEST_CASE("a header from outside the proxies' networks is not believed") {
    const Fixture fixture("127.0.0.1", {base::parse_ip_prefix("192.0.2.0/24").value(),
                                        base::parse_ip_prefix("2001:db8::/32").value()});
    const Client liar(SOCK_DGRAM, fixture.listen);
    REQUIRE(liar.send(net_test::proxy_header("192.0.2.7", 4'711) + "query"));
    CHECK(eventually([&] { return fixture.counters.value(Counter::UdpProxyDenied) == 1; }));
    fixture.stop();
    CHECK(fixture.observed.messages == 0);
    CHECK(fixture.counters.value(Counter::UdpAnswers) == 0);
  }

  TEST_CASE("pinning wraps around the cores there are") {
    const Fixture fixture("127.0.0.1");
    for (const unsigned index : {0u, 1u, 1'000u}) {
      CHECK(fixture.worker->pin(static_cast<net::WorkerIndex>(index)) == 0);
    }
  }
}

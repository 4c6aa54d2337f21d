#include "net/server.hpp"

#include "net_support.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace meridian;
using net_test::at;
using net_test::Client;
using net_test::eventually;
using net_test::framed;
using net_test::Observed;
using stats::Counter;

namespace {

net::HandlerFactory echo_factory(Observed& observed) {
  return [&observed](net::WorkerIndex, stats::Counters&) {
    return std::make_unique<net_test::EchoHandler>(observed);
  };
}

/// Runs, with two workers at each of two addresses.
struct TwoAddresses {
  TwoAddresses() { REQUIRE(server.start()); }
  Observed observed;
  stats::CounterRegistry counters;
  net::Server server{{.listen = {at("127.0.0.1"), at("127.0.0.2")}, .udp_workers = 2, .tcp = {}},
                     echo_factory(observed),
                     counters};
};

using Queries = std::map<net::ListenAddress, std::pair<std::uint64_t, std::uint64_t>>;

/// UDP, TCP.
Queries all_of(const net::Server& server) {
  Queries all;
  for (const auto& one : server.queries_by_address()) {
    CHECK(all.emplace(one.listen, std::pair{one.udp, one.tcp}).second);
  }
  return all;
}

void ask_udp(const net::ListenAddress& listen) {
  const Client client(SOCK_DGRAM, listen);
  REQUIRE(client.send("query"));
  REQUIRE(client.receive() == "query");
}

void change(net::Server& server, const std::vector<net::ListenAddress>& listen) {
  auto prepared = server.prepare(listen);
  // What was removed just now may still be bound.
  REQUIRE(eventually([&] { return prepared || (prepared = server.prepare(listen)); }));
  server.apply(std::move(*prepared));
}

}  // namespace

TEST_SUITE("net/server") {
  TEST_CASE("every address answers over UDP and TCP on the port it tells") {
    Observed observed;
    stats::CounterRegistry counters;
    net::Server server({.listen = {at("127.0.0.1"), at("::1")}, .udp_workers = 2, .tcp = {}},
                       echo_factory(observed), counters);
    REQUIRE(server.start());
    REQUIRE(server.addresses().size() == 2);
    for (const auto& listen : server.addresses()) {
      CAPTURE(net::to_string(listen));
      const Client udp(SOCK_DGRAM, listen);
      REQUIRE(udp.send("over udp"));
      CHECK(udp.receive() == "over udp");
      const Client tcp(SOCK_STREAM, listen);
      REQUIRE(tcp.send(framed("over tcp")));
      CHECK(tcp.receive_message() == "over tcp");
    }
    server.stop();
    CHECK(counters.total(Counter::UdpAnswers) == 2);
    CHECK(counters.total(Counter::TcpAnswers) == 2);
  }

  TEST_CASE("each thread has its own handler and counters, and the kernel spreads clients over the workers") {
    Observed observed[3];
    std::vector<const stats::Counters*> blocks;
    stats::CounterRegistry counters;
    const auto factory = [&](net::WorkerIndex index, stats::Counters& block) {
      blocks.push_back(&block);
      return std::make_unique<net_test::EchoHandler>(observed[static_cast<std::size_t>(index)]);
    };
    net::Server server({.listen = {at("127.0.0.1")}, .udp_workers = 2, .tcp = {}}, factory, counters);
    REQUIRE(server.start());
    CHECK(std::set(blocks.begin(), blocks.end()).size() == 3);
    // All 64 source ports landing on one of two workers is a chance of 2^-63.
    for (int i = 0; i < 64; ++i) {
      const Client client(SOCK_DGRAM, server.addresses().front());
      REQUIRE(client.send("query"));
      REQUIRE(client.receive() == "query");
    }
    server.stop();
    CHECK(observed[0].messages > 0);
    CHECK(observed[1].messages > 0);
    CHECK(observed[2].messages == 0);
    CHECK(blocks[0]->value(Counter::UdpQueries) == observed[0].messages);
    CHECK(counters.total(Counter::UdpQueries) == 64);
  }

  TEST_CASE("a stop under load ends, and every query that was taken is answered") {
    Observed observed;
    stats::CounterRegistry counters;
    net::Server server({.listen = {at("127.0.0.1")}, .udp_workers = 2, .tcp = {}}, echo_factory(observed),
                       counters);
    REQUIRE(server.start());
    const auto listen = server.addresses().front();
    std::atomic<bool> done{false};
    std::vector<std::thread> floods;
    for (int i = 0; i < 3; ++i) {
      floods.emplace_back([&] {
        const Client client(SOCK_DGRAM, listen);
        while (!done) {
          static_cast<void>(client.send("flood"));
          static_cast<void>(client.receive(MSG_DONTWAIT));
        }
      });
    }
    CHECK(eventually([&] { return counters.total(Counter::UdpAnswers) > 20'000; }));
    server.stop();
    server.stop();
    done = true;
    for (auto& flood : floods) flood.join();
    CHECK(counters.total(Counter::UdpQueries) ==
          counters.total(Counter::UdpAnswers) + counters.total(Counter::UdpSendErrors));
    // Each worker counted for itself: two that write into one cell would lose some.
    CHECK(all_of(server).at(listen).first == counters.total(Counter::UdpQueries));
  }

  TEST_CASE("addresses come and go while the others are not touched") {
    TwoAddresses two;
    auto& server = two.server;
    const auto before = server.addresses();
    const Client open(SOCK_STREAM, before[1]);
    auto change = server.prepare({at("127.0.0.2"), at("127.0.0.3")});
    REQUIRE(change);
    CHECK(server.addresses() == before);
    CHECK(change->added.size() == 1);
    CHECK(change->removed.size() == 1);
    const auto added = change->added[0].listen;
    const Client early(SOCK_DGRAM, added);
    REQUIRE(early.send("bound, and not yet served"));
    server.apply(std::move(*change));
    CHECK(early.receive() == "bound, and not yet served");
    CHECK(server.addresses() == std::vector{before[1], added});
    const Client tcp(SOCK_STREAM, added);
    REQUIRE(tcp.send(framed("over tcp")));
    CHECK(tcp.receive_message() == "over tcp");
    REQUIRE(open.send(framed("still open")));
    CHECK(open.receive_message() == "still open");
    CHECK(eventually([&] { return net::bind_udp(before[0], 1) && net::bind_tcp(before[0]); }));
  }

  TEST_CASE("queries are counted by the address they came to, answered or not, over UDP and over TCP") {
    TwoAddresses two;
    auto& server = two.server;
    const auto addresses = server.addresses();
    CHECK(all_of(server) == Queries{{addresses[0], {0, 0}}, {addresses[1], {0, 0}}});
    for (int i = 0; i < 16; ++i) ask_udp(addresses[0]);
    const Client udp(SOCK_DGRAM, addresses[1]);
    REQUIRE(udp.send("silent"));
    const Client tcp(SOCK_STREAM, addresses[1]);
    for (int i = 0; i < 3; ++i) {
      REQUIRE(tcp.send(framed("query")));
      CHECK(tcp.receive_message() == "query");
    }
    CHECK(eventually([&] {
      return all_of(server) == Queries{{addresses[0], {16, 0}}, {addresses[1], {1, 3}}};
    }));
    server.stop();
    CHECK(two.counters.total(Counter::UdpQueries) == 17);
    CHECK(two.counters.total(Counter::TcpQueries) == 3);
  }

  TEST_CASE(
      "an address that is added counts from nothing, one that stays goes on, one that goes is not told") {
    TwoAddresses two;
    auto& server = two.server;
    const auto before = server.addresses();
    const Client leaving(SOCK_STREAM, before[0]);
    REQUIRE(leaving.send(framed("query")));
    REQUIRE(leaving.receive_message() == "query");
    for (int i = 0; i < 5; ++i) ask_udp(before[1]);
    change(server, {at("127.0.0.2"), at("127.0.0.3")});
    const auto added = server.addresses()[1];
    ask_udp(before[1]);
    for (int i = 0; i < 3; ++i) ask_udp(added);
    // Its connection outlives the address, and counts where nobody looks any more.
    REQUIRE(leaving.send(framed("query")));
    CHECK(leaving.receive_message() == "query");
    CHECK(eventually([&] { return all_of(server) == Queries{{before[1], {6, 0}}, {added, {3, 0}}}; }));
    change(server, {at("127.0.0.2"), before[0]});
    ask_udp(before[0]);
    CHECK(eventually([&] { return all_of(server) == Queries{{before[1], {6, 0}}, {before[0], {1, 0}}}; }));
  }

  TEST_CASE("counts may be read while queries come and addresses change") {
    TwoAddresses two;
    auto& server = two.server;
    const auto stays = server.addresses()[0];
    std::atomic<bool> done{false};
    std::thread reader([&] {
      std::uint64_t last = 0;
      while (!done) {
        const auto now = all_of(server).at(stays).first;
        CHECK(now >= last);
        last = now;
      }
    });
    for (int i = 0; i < 20; ++i) {
      ask_udp(stays);
      change(server, {at("127.0.0.1"), at(i % 2 == 0 ? "127.0.0.3" : "127.0.0.2")});
    }
    done = true;
    reader.join();
    CHECK(eventually([&] { return all_of(server).at(stays).first == 20; }));
  }

  TEST_CASE("a change that cannot be bound binds nothing, and one that is dropped neither") {
    Observed observed;
    stats::CounterRegistry counters;
    const auto taken = net::bind_tcp(at("127.0.0.1"));
    REQUIRE(taken);
    net::Server server({.listen = {at("127.0.0.1")}, .udp_workers = 1, .tcp = {}}, echo_factory(observed),
                       counters);
    REQUIRE(server.start());
    const auto change = server.prepare({at("127.0.0.1"), net::local_address(*taken)});
    REQUIRE_FALSE(change);
    CHECK(change.error().starts_with("cannot bind tcp 127.0.0.1:"));
    CHECK(server.prepare({}).error() == "no address to listen at");
    net::ListenAddress dropped;
    {
      const auto prepared = server.prepare({at("127.0.0.1"), at("127.0.0.4")});
      REQUIRE(prepared);
      dropped = prepared->added[0].listen;
    }
    CHECK(net::bind_udp(dropped, 1));
    CHECK(server.addresses().size() == 1);
  }

  TEST_CASE("another server takes the sockets over, and who is connected is served to the end") {
    Observed old_one;
    Observed new_one;
    stats::CounterRegistry counters;
    const net::ServerOptions options{.listen = {at("127.0.0.1"), at("::1")}, .udp_workers = 2, .tcp = {}};
    net::Server old(options, echo_factory(old_one), counters);
    REQUIRE(old.start());
    const auto addresses = old.addresses();
    auto lent = old.duplicate_sockets();
    REQUIRE(lent);
    net::Server fresh(options, echo_factory(new_one), counters);
    REQUIRE(fresh.start(std::move(*lent)));
    CHECK(fresh.addresses() == addresses);

    std::atomic<bool> is_over{false};
    {
      const Client connected(SOCK_STREAM, addresses[0]);
      REQUIRE(connected.send(framed("one")));
      REQUIRE(connected.receive_message() == "one");
      const auto by_old = old_one.messages.load();
      std::thread leaving([&] {
        old.hand_over();
        is_over = true;
      });
      for (int i = 0; i < 64; ++i) {
        const Client udp(SOCK_DGRAM, addresses[static_cast<std::size_t>(i) % 2]);
        REQUIRE(udp.send("query"));
        REQUIRE(udp.receive() == "query");
        const Client tcp(SOCK_STREAM, addresses[static_cast<std::size_t>(i) % 2]);
        REQUIRE(tcp.send(framed("query")));
        REQUIRE(tcp.receive_message() == "query");
      }
      REQUIRE(connected.send(framed("two")));
      CHECK(connected.receive_message() == "two");
      if (by_old == 1) CHECK_FALSE(is_over);  // it was the old one's client
      old.request_stop();
      leaving.join();
    }
    const Client udp(SOCK_DGRAM, addresses[0]);
    REQUIRE(udp.send("after"));
    CHECK(udp.receive() == "after");
    const Client tcp(SOCK_STREAM, addresses[1]);
    REQUIRE(tcp.send(framed("after")));
    CHECK(tcp.receive_message() == "after");
    // An answer is here before the call that sent it returns and is counted.
    CHECK(eventually(
        [&] { return counters.total(Counter::UdpQueries) == counters.total(Counter::UdpAnswers); }));
  }

  TEST_CASE("an address that is not listened at any more is not taken over") {
    Observed observed;
    stats::CounterRegistry counters;
    net::ListenAddress left_out;
    {
      net::Server old({.listen = {at("127.0.0.1"), at("127.0.0.5")}, .udp_workers = 1, .tcp = {}},
                      echo_factory(observed), counters);
      REQUIRE(old.start());
      left_out = old.addresses()[1];
      auto lent = old.duplicate_sockets();
      REQUIRE(lent);
      net::Server fresh({.listen = {at("127.0.0.1")}, .udp_workers = 1, .tcp = {}}, echo_factory(observed),
                        counters);
      REQUIRE(fresh.start(std::move(*lent)));
      CHECK(fresh.addresses() == std::vector{old.addresses()[0]});
      old.hand_over();
      CHECK(net::bind_udp(left_out, 1));
    }
  }

  TEST_CASE("every thread's handler refreshes without a query") {
    struct Refreshed final : net::BatchHandler {
      explicit Refreshed(std::atomic<int>& count) : count_(count) {}
      void answer_batch(std::span<net::Exchange>) noexcept override {}
      void refresh() noexcept override { ++count_; }
      std::atomic<int>& count_;
    };
    std::atomic<int> count{0};
    stats::CounterRegistry counters;
    net::Server server(
        {.listen = {at("127.0.0.1")}, .udp_workers = 2, .tcp = {}},
        [&](net::WorkerIndex, stats::Counters&) { return std::make_unique<Refreshed>(count); }, counters);
    REQUIRE(server.start());
    server.refresh();
    CHECK(eventually([&] { return count == 3; }));
  }

  TEST_CASE("a server that cannot start says why and leaves nothing bound") {
    Observed observed;
    stats::CounterRegistry counters;
    const auto taken = net::bind_tcp(at("127.0.0.1"));
    REQUIRE(taken);
    const auto free = net::bind_udp(at("127.0.0.2"), 1);
    REQUIRE(free);
    struct Row {
      const char* why;
      net::ServerOptions options;
      std::string error;
    };
    const std::vector<net::ListenAddress> too_many(base::limits::kListenAddressesMax + 1, at("127.0.0.1"));
    const Row rows[] = {
        {"no address", {.listen = {}, .udp_workers = 1, .tcp = {}}, "no address to listen at"},
        {"addresses past the limit",
         {.listen = too_many, .udp_workers = 1, .tcp = {}},
         "65 addresses to listen at; the limit is 64"},
        {"no worker",
         {.listen = {at("127.0.0.1")}, .udp_workers = 0, .tcp = {}},
         "cannot run 0 UDP workers; use 1 to 256"},
        {"workers past the limit",
         {.listen = {at("127.0.0.1")}, .udp_workers = 257, .tcp = {}},
         "cannot run 257 UDP workers; use 1 to 256"},
        {"a taken port",
         {.listen = {at("::1"), net::local_address(*taken)}, .udp_workers = 1, .tcp = {}},
         "cannot bind tcp " + net::to_string(net::local_address(*taken)) + ": address already in use"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      net::Server server(row.options, echo_factory(observed), counters);
      const auto started = server.start();
      REQUIRE_FALSE(started);
      CHECK(started.error().rfind(row.error, 0) == 0);
      CHECK(server.addresses().empty());
    }
    CHECK(net::bind_udp(net::local_address(*taken), 1));
  }

  TEST_CASE("a handler that cannot be made stops the start, whichever thread it was for") {
    for (unsigned failing = 0; failing < 3; ++failing) {
      CAPTURE(failing);
      Observed observed;
      stats::CounterRegistry counters;
      const auto factory = [&](net::WorkerIndex index,
                               stats::Counters&) -> std::unique_ptr<net::BatchHandler> {
        if (index == static_cast<net::WorkerIndex>(failing)) throw std::runtime_error("no snapshot");
        return std::make_unique<net_test::EchoHandler>(observed);
      };
      net::Server server({.listen = {at("127.0.0.1")}, .udp_workers = 2, .tcp = {}}, factory, counters);
      const auto started = server.start();
      REQUIRE_FALSE(started);
      CHECK(started.error() == "cannot start the listeners: no snapshot");
    }
  }

  TEST_CASE("a server may be destroyed without a start or a stop") {
    Observed observed;
    stats::CounterRegistry counters;
    const net::ServerOptions options{.listen = {at("127.0.0.1")}, .udp_workers = 1, .tcp = {}};
    { const net::Server never_started(options, echo_factory(observed), counters); }
    net::Server running(options, echo_factory(observed), counters);
    CHECK(running.start());
  }
}

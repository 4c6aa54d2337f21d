#include "bgp/agent/liveness_client.hpp"

#include "net/unix_socket.hpp"
#include "unit/agent/agent_support.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace meridian::agent {
namespace {

using namespace std::chrono_literals;
using policy::Server;
using test::accept_from;
using test::PacketSocket;

std::string report(bool is_ready, int queries = 0) {
  return std::string(R"({"version":1,"ready":)") + (is_ready ? "true" : "false") +
         R"(,"epoch":1,"site":"ams1","zones":[],"oldest_input_s":null,"queries":)" + std::to_string(queries) +
         R"(,"drops":0})";
}

struct World {
  test::TemporaryFolder folder;
  std::string path = folder.path() + "/liveness.sock";
  std::optional<net::FileDescriptor> server;
  PacketSocket connection;
  boost::asio::io_context context;
  base::SystemClock clock;
  int news = 0;
  LivenessClient client;

  explicit World(LivenessTimes times = {.silence = 20s, .retry = 5ms})
      : client(
            context, clock, path, [this] { ++news; }, times) {}

  void listen() {
    auto made = net::listen_unix(path, SOCK_SEQPACKET, 8);
    REQUIRE(made);
    server.emplace(std::move(*made));
  }
  void accept() {
    test::run_until(context, [&] { return static_cast<bool>((connection = accept_from(*server)).socket); });
  }
  void until(Server state) {
    test::run_until(context, [&] { return client.state() == state; });
  }
  /// A server that is there, and ready.
  void begin() {
    listen();
    client.start();
    accept();
    connection.send(report(true));
    until(Server::Ready);
  }
  /// Everything that is there to be done now.
  void poll() {
    context.restart();
    context.poll();
  }
};

}  // namespace

TEST_SUITE("agent/liveness_client") {
  TEST_CASE("nobody there is a server that is gone, and that is known at once") {
    World world;
    world.client.start();
    CHECK(world.client.state() == Server::Gone);
    CHECK(world.client.fault().find("No such file") != std::string::npos);
    CHECK(world.news == 1);
    world.listen();
    world.accept();
    world.connection.send(report(true));
    world.until(Server::Ready);
    CHECK(world.client.fault().empty());
  }

  TEST_CASE("a server says whether it is ready, and each report is news") {
    World world;
    world.listen();
    world.client.start();
    CHECK(world.client.state() == Server::Unknown);
    world.accept();
    world.connection.send(report(false, 1));
    world.until(Server::NotReady);
    world.connection.send(report(true, 2));
    world.until(Server::Ready);
    CHECK(world.client.report()->queries == 2);
    const auto news = world.news;
    world.connection.send(report(true, 3));
    test::run_until(world.context, [&] { return world.news > news; });
    CHECK(world.client.report()->queries == 3);
  }

  TEST_CASE("the end of the connection is the server's, in the same turn in which it is seen") {
    World world;
    world.begin();
    world.server.reset();
    world.connection = {};
    world.poll();  // waits for nothing
    CHECK(world.client.state() == Server::Gone);
    CHECK(world.client.report());  // what it said last is still known
  }

  TEST_CASE("a connection that is in the queue of a server that dies ends with it") {
    World world;
    world.begin();
    // As the kernel closes a process's files: the connection first, then the listener.
    world.connection = {};
    world.poll();
    CHECK(world.client.state() == Server::Ready);
    world.server.reset();
    world.until(Server::Gone);
  }

  TEST_CASE("an upgrade, which takes the next connection, changes nothing") {
    World world;
    world.begin();
    const auto news = world.news;
    world.connection = {};
    world.accept();
    CHECK(world.client.state() == Server::Ready);
    CHECK(world.news == news);
    world.connection.send(report(true));
    test::run_until(world.context, [&] { return world.news > news; });
    CHECK(world.client.state() == Server::Ready);
  }

  TEST_CASE("a server that says nothing is not gone, and not known to be ready") {
    World world({.silence = 50ms, .retry = 5ms});
    world.begin();
    world.until(Server::Unknown);
    CHECK(world.client.fault() == "meridiand has said nothing for 50 ms");
    world.connection.send(report(true));
    world.until(Server::Ready);
  }

  TEST_CASE("a queue that is full is a server that hangs, not one that is gone") {
    World world({.silence = 50ms, .retry = 5ms});
    world.listen();
    REQUIRE(::listen(world.server->get(), 0) == 0);
    const auto other = net::FileDescriptor(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    world.path.copy(address.sun_path, world.path.size());
    const void* const bytes = &address;
    REQUIRE(::connect(other.get(), static_cast<const sockaddr*>(bytes), sizeof address) == 0);
    world.client.start();
    CHECK(world.client.state() == Server::Unknown);
    world.until(Server::Unknown);
    test::run_until(world.context, [&] { return !world.client.fault().empty(); });
    CHECK(world.client.fault().starts_with("cannot connect to "));
  }

  TEST_CASE("a report that is not understood is no death, and the next one counts") {
    World world;
    world.listen();
    world.client.start();
    world.accept();
    world.connection.send("{}");
    test::run_until(world.context, [&] { return !world.client.fault().empty(); });
    CHECK(world.client.state() == Server::Unknown);
    CHECK(world.client.fault() == "cannot read what meridiand says: 'version' is missing");
    world.connection.send(report(true));
    world.until(Server::Ready);
  }

  TEST_CASE("who takes connections and drops them for ever keeps nobody busy") {
    World world;
    world.listen();
    world.client.start();
    test::run_until(world.context, [&] {
      static_cast<void>(accept_from(*world.server));
      return !world.client.fault().empty();
    });
    CHECK(world.client.state() == Server::Unknown);
    CHECK(world.client.fault() == "meridiand closes connections at once");
  }
}

}  // namespace meridian::agent

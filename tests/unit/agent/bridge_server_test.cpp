#include "bgp/agent/bridge_server.hpp"

#include "net/unix_client.hpp"
#include "unit/agent/agent_support.hpp"

#include <sys/socket.h>

#include <doctest/doctest.h>

#include <filesystem>

namespace meridian::agent {
namespace {

using test::PacketSocket;

const bgp::Wanted kWanted{.sent_ms = 7, .routes = {}};
const std::string kWantedText = "meridian-bgp wanted 1\nsent 7\n";

std::string status(std::uint64_t acks) {
  bgp::Status made;
  made.exabgp_version = "4.2.21";
  made.acks = acks;
  return bgp::format_status(made);
}

struct World {
  test::TemporaryFolder folder;
  std::string path = folder.path() + "/bridge.sock";
  boost::asio::io_context context;
  base::SystemClock clock;
  int connects = 0;
  int changes = 0;
  BridgeServer server{context, clock,
                      [this] {
                        ++connects;
                        server.say(kWanted);
                      },
                      [this] { ++changes; }};

  PacketSocket connect() {
    auto connection = net::connect_unix(path, SOCK_SEQPACKET);
    REQUIRE(connection);
    return {std::move(*connection)};
  }
  PacketSocket connect_and_wait() {
    const auto before = connects;
    auto bridge = connect();
    test::run_until(context, [&] { return connects > before; });
    return bridge;
  }
};

}  // namespace

TEST_SUITE("agent/bridge_server") {
  TEST_CASE("a bridge is told as it connects, and each time something is said") {
    World world;
    REQUIRE(world.server.listen(world.path));
    CHECK(!world.server.is_connected());
    const auto bridge = world.connect_and_wait();
    CHECK(world.server.is_connected());
    CHECK(bridge.receive() == kWantedText);
    world.server.say(kWanted);
    CHECK(bridge.receive() == kWantedText);
    CHECK(bridge.receive().empty());
  }

  TEST_CASE("what a bridge tells is kept, and what is not understood changes nothing") {
    World world;
    REQUIRE(world.server.listen(world.path));
    const auto bridge = world.connect_and_wait();
    bridge.send(status(3));
    test::run_until(world.context, [&] { return world.server.last().has_value(); });
    CHECK(world.server.last()->acks == 3);
    const auto heard = world.server.heard_at();
    bridge.send("hello");
    bridge.send(status(4));
    test::run_until(world.context, [&] { return world.server.last()->acks == 4; });
    CHECK(world.server.heard_at() >= heard);
  }

  TEST_CASE("a bridge that goes is gone, and the next one is told") {
    World world;
    REQUIRE(world.server.listen(world.path));
    { const auto first = world.connect_and_wait(); }
    test::run_until(world.context, [&] { return !world.server.is_connected(); });
    const auto second = world.connect_and_wait();
    CHECK(second.receive() == kWantedText);
  }

  TEST_CASE("the newest bridge is always taken") {
    World world;
    REQUIRE(world.server.listen(world.path));
    std::vector<PacketSocket> bridges;
    for (std::size_t i = 0; i < kBridgesMax + 3; ++i) {
      bridges.push_back(world.connect_and_wait());
      CHECK(bridges.back().receive() == kWantedText);
    }
    while (!bridges.front().receive().empty()) {
    }
    world.server.say(kWanted);
    CHECK(bridges.back().receive() == kWantedText);
    CHECK(bridges.front().receive().empty());
  }

  TEST_CASE("a bridge that does not read is not waited for, and hears the newest once it reads") {
    World world;
    REQUIRE(world.server.listen(world.path));
    const auto bridge = world.connect_and_wait();
    for (int i = 0; i < 10'000; ++i) world.server.say(kWanted);
    while (!bridge.receive().empty()) {
    }
    world.server.say({.sent_ms = 8, .routes = {}});
    CHECK(bridge.receive() == "meridian-bgp wanted 1\nsent 8\n");
  }

  TEST_CASE("another agent's socket is left alone, and one's own goes in the end") {
    World world;
    REQUIRE(world.server.listen(world.path));
    {
      World other;
      const auto refused = other.server.listen(world.path);
      REQUIRE(!refused);
      CHECK(refused.error().find("choose another path with 'bridge'") != std::string::npos);
    }
    CHECK(std::filesystem::exists(world.path));
    {
      World own;
      REQUIRE(own.server.listen(world.folder.path() + "/own.sock"));
    }
    CHECK(!std::filesystem::exists(world.folder.path() + "/own.sock"));
  }
}

}  // namespace meridian::agent

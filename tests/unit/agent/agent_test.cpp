#include "bgp/agent/agent.hpp"

#include "net/unix_client.hpp"
#include "support/manual_clock.hpp"
#include "unit/agent/agent_support.hpp"
#include "unit/agent/name_server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace meridian::agent {
namespace {

using namespace std::chrono_literals;
using policy::Level;
using policy::Reason;
using policy::WishKind;

const auto kHere = *base::parse_ip_address("127.0.0.1");

WishEntry wish(WishKind kind, base::MonotonicTime since) {
  WishEntry entry;
  entry.kind = kind;
  entry.since = since;
  return entry;
}

/// A server of the test, an agent whose clock stands still unless told, and a bridge that listens.
struct World {
  test::TemporaryFolder folder;
  test::ManualClock clock;
  test::NameServer name_server{{}, kHere};
  net::FileDescriptor listener;
  test::PacketSocket server;
  test::PacketSocket bridge;
  std::uint64_t queries = 0;
  std::uint64_t drops = 0;
  std::map<std::string, std::uint64_t> queries_by_address;  ///< empty: an older server
  config::Anycast anycast;
  boost::asio::io_context context;
  std::unique_ptr<Agent> agent;

  World() {
    anycast.as = 65101;
    anycast.agent.bridge = folder.path() + "/bridge.sock";
    anycast.agent.liveness = folder.path() + "/liveness.sock";
    anycast.agent.state = folder.path() + "/state";
    add_vip("a", "198.51.100.0/24");
    config::AnycastNeighbor neighbor;
    neighbor.address = *base::parse_ip_address("192.0.2.9");
    anycast.neighbors = {neighbor};
    auto made = net::listen_unix(anycast.agent.liveness, SOCK_SEQPACKET, 8);
    REQUIRE(made);
    listener = std::move(*made);
  }

  void add_vip(const std::string& name, const std::string& prefix, std::uint16_t port = 0) {
    config::AnycastVip vip;
    vip.name = name;
    vip.address = kHere;
    vip.prefix = *base::parse_ip_prefix(prefix);
    vip.port = port != 0 ? port : name_server.port();
    anycast.vips.push_back(vip);
  }

  void start() {
    agent = std::make_unique<Agent>(context, clock, "ams1", anycast);
    const auto started = agent->start();
    REQUIRE(started);
    test::run_until(context,
                    [&] { return static_cast<bool>((server = test::accept_from(listener)).socket); });
    report();
    until([](const AgentStatus& status) { return status.server.state == policy::Server::Ready; });
  }

  void end() {
    agent.reset();
    context.restart();
    context.poll();
  }

  void report() {
    std::string addresses;
    for (const auto& [address, count] : queries_by_address)
      addresses += fmt::format(R"({}"{}":{})", addresses.empty() ? "" : ",", address, count);
    if (!addresses.empty()) addresses = fmt::format(R"("queries_by_address":{{{}}},)", addresses);
    server.send(fmt::format(
        R"({{"version":1,"ready":true,"epoch":1,"site":"ams1","zones":["example.com"],"oldest_input_s":0,"queries":{},{}"drops":{}}})",
        queries, addresses, drops));
  }

  /// The server tells its totals once a second.
  void pass(int seconds, std::uint64_t queries_per_s, std::uint64_t drops_per_s) {
    for (int i = 0; i < seconds; ++i) {
      clock.pass(1s);
      queries += queries_per_s;
      drops += drops_per_s;
      report();
      test::run_until(context, [&] { return agent->status().server.report->queries == queries; });
    }
  }

  /// The same, with what of it came to each address.
  void pass_by_address(int seconds, const std::map<std::string, std::uint64_t>& queries_per_s) {
    for (int i = 0; i < seconds; ++i) {
      std::uint64_t all = 0;
      for (const auto& [address, count] : queries_per_s) {
        queries_by_address[address] += count;
        all += count;
      }
      pass(1, all, 0);
    }
  }

  [[nodiscard]] VipStatus vip(const std::string& name) const {
    for (const auto& one : agent->status().vips) {
      if (one.name == name) return one;
    }
    FAIL("no VIP ", name);
    return {};
  }

  /// With what status says of now.
  void drain(const std::string& name) {
    const auto status = agent->status();
    WishEntry entry{.kind = WishKind::Drain,
                    .since = clock.monotonic(),
                    .rates_before = {.server = status.server.queries_per_s, .vips = {}}};
    if (const auto rate = vip(name).queries_per_s) entry.rates_before.vips[name] = *rate;
    agent->set_wish(name, entry);
  }

  void until(const std::function<bool(const AgentStatus&)>& is_true) {
    test::run_until(context, [&] { return is_true(agent->status()); });
  }
  void until_level(Level level, Reason reason) {
    until([&](const AgentStatus& status) {
      const auto& decision = status.vips.front().decision;
      return decision.level == level && decision.reason == reason;
    });
  }
  /// Up without ten rounds: an operator insists, and takes the word back.
  void announce() {
    const auto until_all = [&](Reason reason) {
      until([&](const AgentStatus& status) {
        return std::ranges::all_of(status.vips, [&](const VipStatus& vip) {
          return vip.decision.level == Level::Announce && vip.decision.reason == reason;
        });
      });
    };
    agent->set_wish(std::nullopt, wish(WishKind::Announce, clock.monotonic()));
    until_all(Reason::OperatorAnnounces);
    agent->clear_wish(std::nullopt);
    until_all(Reason::Serving);
  }
};

}  // namespace

TEST_SUITE("agent/agent") {
  TEST_CASE("a wish of one VIP goes before that for all, and each is acted on at once") {
    World world;
    world.start();
    world.announce();
    auto& agent = *world.agent;
    const auto now = world.clock.monotonic();
    const auto level = [&] { return agent.status().vips.front().decision.level; };
    agent.set_wish(std::nullopt, wish(WishKind::Withdraw, now));
    CHECK(level() == Level::Withdraw);
    CHECK(agent.status().vips.front().decision.reason == Reason::OperatorWithdrew);
    agent.set_wish("a", wish(WishKind::Announce, now));
    world.until_level(Level::Announce, Reason::OperatorAnnounces);
    agent.clear_wish("a");
    CHECK(level() == Level::Withdraw);
    CHECK(agent.status().vips.front().wish->kind == WishKind::Withdraw);
    agent.clear_wish(std::nullopt);
    CHECK(!agent.status().vips.front().wish);
    agent.set_wish("another", wish(WishKind::Withdraw, now));
    CHECK(agent.status().vips.front().decision.reason != Reason::OperatorWithdrew);
  }

  TEST_CASE(
      "a drain withdraws when the VIP is quiet by the server's count, without the agent's own queries") {
    World world;
    world.anycast.drain_min_s = 5;
    world.start();
    world.announce();
    world.pass(12, 1'000, 0);
    const auto rate = world.agent->status().server.queries_per_s;
    REQUIRE(rate);
    CHECK(*rate > 990);
    CHECK(!world.vip("a").queries_per_s);  // the server does not tell of addresses
    world.drain("a");
    CHECK(world.agent->status().vips.front().decision.level == Level::DePreference);
    world.pass(12, 50, 0);
    CHECK(!world.agent->status().vips.front().is_quiet);
    CHECK(world.agent->status().vips.front().decision.level == Level::DePreference);
    world.pass(12, 5, 0);
    CHECK(world.agent->status().vips.front().is_quiet);
    world.until_level(Level::Withdraw, Reason::OperatorDrains);
  }

  TEST_CASE("a VIP that is drained alone is quiet by what comes to it, while another has its queries") {
    World world;
    const test::NameServer second({}, kHere);
    world.anycast.drain_min_s = 5;
    world.add_vip("b", "203.0.113.0/24", second.port());
    const auto a = fmt::format("127.0.0.1:{}", world.name_server.port());
    const auto b = fmt::format("127.0.0.1:{}", second.port());
    world.start();
    world.announce();
    world.pass_by_address(12, {{a, 1'000}, {b, 3'000}});
    CHECK(*world.vip("a").queries_per_s == doctest::Approx(1'000).epsilon(0.01));
    CHECK(*world.vip("b").queries_per_s == doctest::Approx(3'000).epsilon(0.01));
    CHECK(*world.agent->status().server.queries_per_s == doctest::Approx(4'000).epsilon(0.01));
    world.drain("a");
    world.pass_by_address(12, {{a, 20}, {b, 3'000}});
    CHECK(!world.vip("a").is_quiet);
    CHECK(world.vip("a").decision.level == Level::DePreference);
    world.pass_by_address(12, {{a, 5}, {b, 3'000}});
    CHECK(world.vip("a").is_quiet);
    world.until_level(Level::Withdraw, Reason::OperatorDrains);
    CHECK(!world.vip("b").is_quiet);
    CHECK(world.vip("b").decision.level == Level::Announce);
  }

  TEST_CASE("a VIP without an address of its own at the server is quiet by the rate of the whole server") {
    World world;
    world.anycast.drain_min_s = 5;
    const auto all = fmt::format("0.0.0.0:{}", world.name_server.port());
    const auto other_port = fmt::format("127.0.0.1:{}", world.name_server.port() ^ 1U);
    world.start();
    world.announce();
    world.pass_by_address(12, {{all, 1'000}, {other_port, 0}});
    CHECK(!world.vip("a").queries_per_s);
    world.drain("a");
    world.pass_by_address(12, {{all, 50}, {other_port, 0}});
    CHECK(!world.vip("a").is_quiet);
    world.pass_by_address(12, {{all, 5}, {other_port, 0}});
    CHECK(world.vip("a").is_quiet);
  }

  TEST_CASE(
      "a server that stops telling of a VIP during its drain is judged as a whole, against its own rate") {
    World world;
    world.anycast.drain_min_s = 5;
    const auto a = fmt::format("127.0.0.1:{}", world.name_server.port());
    world.start();
    world.announce();
    world.pass_by_address(12, {{a, 100}, {"192.0.2.1:53", 10'000}});
    world.drain("a");
    world.queries_by_address.clear();
    world.pass(12, 500, 0);
    CHECK(!world.vip("a").queries_per_s);
    CHECK(!world.vip("a").is_quiet);
    world.pass(12, 50, 0);  // half of what came to the VIP, and next to nothing of what the server answered
    CHECK(world.vip("a").is_quiet);
  }

  TEST_CASE("another site file keeps the rate of a VIP that stays, unless another port is asked") {
    World world;
    const auto a = fmt::format("127.0.0.1:{}", world.name_server.port());
    world.start();
    world.pass_by_address(12, {{a, 1'000}});
    world.agent->reconfigure(world.anycast);
    REQUIRE(world.vip("a").queries_per_s);
    world.pass_by_address(1, {{a, 1'000}});
    CHECK(*world.vip("a").queries_per_s == doctest::Approx(1'000).epsilon(0.01));
    const test::NameServer second({}, kHere);
    world.anycast.vips.front().port = second.port();
    world.agent->reconfigure(world.anycast);
    CHECK(!world.vip("a").queries_per_s);
  }

  TEST_CASE("overload is seen in the server's counts, and de-prefers where the site file says so") {
    World world;
    world.anycast.on_overload = config::Anycast::OnOverload::DePreference;
    world.start();
    world.announce();
    world.pass(65, 1'000, 0);
    CHECK(!world.agent->status().server.is_overloaded);
    world.pass(32, 600, 400);
    CHECK(world.agent->status().server.is_overloaded);
    world.until_level(Level::DePreference, Reason::Overloaded);
  }

  TEST_CASE("an agent that follows within five seconds goes on, one that comes later does not") {
    World world;
    world.start();
    world.announce();
    for (const auto& [away, has_level] : {std::pair{4s, true}, std::pair{6s, false}}) {
      world.end();
      world.clock.pass(away);
      world.start();
      const auto status = world.agent->status();
      CHECK(status.has_adopted == has_level);
      CHECK((status.vips.front().decision.level == Level::Announce) == has_level);
      CHECK(status.vips.front().decision.history.changes.recent(world.clock.monotonic()) == 1);
    }
  }

  TEST_CASE("the bridge is told as it connects, at each change and on and on") {
    World world;
    world.start();
    world.announce();
    auto connection = net::connect_unix(world.anycast.agent.bridge, SOCK_SEQPACKET);
    REQUIRE(connection);
    world.bridge = {std::move(*connection)};
    std::string heard;
    const auto hears = [&](const std::string& what) {
      test::run_until(world.context, [&] {
        if (auto text = world.bridge.receive(); !text.empty()) heard = text;
        return heard.find(what) != std::string::npos;
      });
    };
    hears("198.51.100.0/24 announce");
    CHECK(world.agent->status().bridge.is_connected);
    world.agent->set_wish(std::nullopt, wish(WishKind::Withdraw, world.clock.monotonic()));
    heard = world.bridge.receive();
    while (heard.find(" withdraw ") == std::string::npos && !heard.empty()) heard = world.bridge.receive();
    CHECK(heard.find("198.51.100.0/24 withdraw") != std::string::npos);
    world.clock.pass(1s);
    const auto sent =
        std::chrono::duration_cast<std::chrono::milliseconds>(world.clock.monotonic().time_since_epoch());
    hears(fmt::format("sent {}\n", sent.count()));
  }

  TEST_CASE("another site file keeps the level of a VIP that stays, and starts a new one without a route") {
    World world;
    world.start();
    world.announce();
    world.add_vip("b", "203.0.113.0/24");
    world.anycast.vips.front().name = "renamed";
    world.agent->reconfigure(world.anycast);
    const auto vips = world.agent->status().vips;
    REQUIRE(vips.size() == 2);
    CHECK(vips[0].name == "renamed");
    CHECK(vips[0].decision.level == Level::Announce);
    CHECK(vips[1].decision.level == Level::Withdraw);
    world.until([](const AgentStatus& status) { return status.vips[1].last_round.is_answered(); });
  }

  TEST_CASE("a second agent with the same state, or the same socket, does not start") {
    World world;
    world.start();
    Agent same(world.context, world.clock, "ams1", world.anycast);
    const auto refused = same.start();
    REQUIRE(!refused);
    CHECK(refused.error().starts_with("another agent runs"));
    auto anycast = world.anycast;
    anycast.agent.state = world.folder.path() + "/other";
    Agent other(world.context, world.clock, "ams1", anycast);
    const auto bound = other.start();
    REQUIRE(!bound);
    CHECK(bound.error().starts_with("cannot listen for the bridge"));
  }
}

}  // namespace meridian::agent

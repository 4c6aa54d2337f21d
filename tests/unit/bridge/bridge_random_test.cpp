// Random histories of agent, bridge, sessions and ExaBGP, against a model of ExaBGP that has its traps.
#include "bgp/bridge/bridge.hpp"

#include "support/manual_clock.hpp"
#include "unit/bridge/exabgp_model.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace meridian::bgp {
namespace {

using namespace std::chrono_literals;

const std::vector<std::string> kNeighbors = {"192.0.2.1", "192.0.2.2"};
const std::vector<std::string> kNetworks = {"198.51.100.0/24", "203.0.113.0/24"};

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {
    for (const auto& neighbor : kNeighbors) exabgp_.peers[neighbor];
    start_bridge();
  }

  void play(int steps) {
    for (int i = 0; i < steps; ++i) {
      happen();
      run_for(std::chrono::milliseconds(below(below(3) == 0 ? 400 : 30)));
    }
  }

  /// Nothing fails any more, and the agent says the same for so long that all is asserted once.
  void settle() {
    exabgp_.stopped = false;
    exabgp_.ignored_next = 0;
    for (const auto& neighbor : kNeighbors) exabgp_.set_session(neighbor, true);
    agent_speaks_ = true;
    run_for(20s);
  }

  void check() const {
    for (const auto& neighbor : kNeighbors) {
      CAPTURE(neighbor);
      std::map<std::string, std::string> expected;
      for (const auto& route : wanted_.routes) {
        const bool for_it = !route.key.neighbor || to_string(*route.key.neighbor) == neighbor;
        if (for_it && route.level == Level::Announce)
          expected[to_string(route.key.prefix)] = attributes_text(route.attributes, {"[", " ", "]"});
      }
      CHECK(exabgp_.peers.at(neighbor).routes == expected);
    }
    for (const auto& route : bridge_->status(clock_.monotonic()).routes) CHECK_FALSE(route.pending);
  }

  [[nodiscard]] int said_count() const { return said_count_; }

 private:
  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }

  void start_bridge() {
    const auto now = clock_.monotonic();
    std::optional<Saved> saved;
    if (bridge_) saved = parse_saved(format_saved(bridge_->saved(now))).value();
    bridge_ = std::make_unique<Bridge>(1, [](const std::string&) {});
    if (saved) bridge_->start_with(*saved, now);
    exabgp_.forget_said();
  }

  void choose_wanted() {
    wanted_.routes.clear();
    for (const auto& network : kNetworks) {
      if (below(5) == 0) continue;
      const bool for_all = below(2) == 0;
      for (std::size_t i = 0; i < (for_all ? 1 : kNeighbors.size()); ++i) {
        Route route;
        if (!for_all) route.key.neighbor = base::parse_ip_address(kNeighbors[i]);
        route.key.prefix = base::parse_ip_prefix(network).value();
        route.level = below(2) == 0 ? Level::Announce : Level::Withdraw;
        if (const auto med = below(3); med > 0) route.attributes.med = med;
        wanted_.routes.push_back(route);
      }
    }
    speak();
  }

  void happen() {
    const auto& neighbor = kNeighbors[below(2)];
    switch (below(16)) {
      case 0:
        exabgp_.set_session(neighbor, false);
        break;
      case 1:
      case 2:
        exabgp_.set_session(neighbor, true);
        break;
      case 3:
        exabgp_.peers[neighbor].fail_to_go_up();
        break;
      case 4:
        exabgp_.stopped = below(3) == 0;
        break;
      case 5:
        exabgp_.ignored_next += below(4) == 0 ? 1 : 0;
        break;
      case 6:
        agent_speaks_ = below(3) != 0;
        break;
      case 7:
        if (below(4) == 0) start_bridge();
        break;
      case 8:
        run_for(std::chrono::milliseconds(below(4'000)));
        break;
      default:
        if (agent_speaks_) choose_wanted();
    }
  }

  void speak() {
    wanted_.sent_ms = static_cast<std::uint64_t>(
        std::chrono::floor<std::chrono::milliseconds>(clock_.monotonic().time_since_epoch()).count());
    bridge_->hear_agent(format_wanted(wanted_), clock_.monotonic());
    next_word_ = clock_.monotonic() + 1s;
  }

  /// A turn of ExaBGP each 5 ms, and the bridge at once.
  void run_for(std::chrono::milliseconds time) {
    for (const auto end = clock_.monotonic() + time; clock_.monotonic() < end; clock_.pass(5ms)) {
      const auto now = clock_.monotonic();
      if (agent_speaks_ && now >= next_word_) speak();
      exabgp_.turn();
      for (; !exabgp_.said.empty(); exabgp_.said.pop_front())
        REQUIRE(bridge_->hear_exabgp(exabgp_.said.front(), now));
      const auto command = bridge_->next_command(now);
      if (command.empty()) continue;
      exabgp_.hear(command);
      bridge_->written(now);
      ++said_count_;
    }
  }

  std::mt19937 random_;
  test::ManualClock clock_;
  test::ModelExaBgp exabgp_;
  std::unique_ptr<Bridge> bridge_;
  Wanted wanted_;
  bool agent_speaks_ = true;
  base::MonotonicTime next_word_{};
  int said_count_ = 0;
};

TEST_SUITE("bridge/bridge_random") {
  TEST_CASE("the model has the traps that were seen in ExaBGP") {
    SUBCASE("announced twice while the session is down, and withdrawn: it comes up with the session") {
      test::ModelExaBgp exabgp;
      exabgp.peers["192.0.2.1"];
      for (const auto* line : {"announce route P a1", "announce route P a2", "withdraw route P a2"}) {
        exabgp.hear(line);
        exabgp.turn();
      }
      exabgp.set_session("192.0.2.1", true);
      exabgp.turn();
      CHECK(exabgp.peers["192.0.2.1"].routes.contains("P"));
    }
    SUBCASE("announced, withdrawn with other attributes and announced in one go: it is gone") {
      test::ModelExaBgp exabgp;
      exabgp.set_session("192.0.2.1", true);
      exabgp.hear("announce route Q a1");
      exabgp.turn();
      for (const auto* line : {"announce route P a1", "withdraw route P", "announce route P a1"})
        exabgp.hear(line);
      exabgp.turn();
      CHECK_FALSE(exabgp.peers["192.0.2.1"].routes.contains("P"));
      exabgp.hear("announce route P a1");
      exabgp.turn();
      CHECK_FALSE(exabgp.peers["192.0.2.1"].routes.contains("P"));
      exabgp.hear("neighbor 192.0.2.1 flush adj-rib out");
      exabgp.turn();
      CHECK(exabgp.peers["192.0.2.1"].routes.contains("P"));
    }
  }

  TEST_CASE("whatever happened, the neighbors end up with exactly what is wanted") {
    int said_count = 0;
    for (unsigned seed = 0; seed < 400; ++seed) {
      CAPTURE(seed);
      World world(seed);
      world.play(60);
      world.settle();
      world.check();
      said_count += world.said_count();
    }
    CHECK(said_count > 10'000);
  }
}

}  // namespace
}  // namespace meridian::bgp

#include "bgp/agent/vip_watch.hpp"

#include "unit/agent/agent_support.hpp"
#include "unit/agent/name_server.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

namespace meridian::agent {
namespace {

using namespace std::chrono_literals;
using policy::Level;
using policy::Server;
using policy::Vip;

SelfTarget target_at(std::uint16_t port) {
  SelfQuery query;
  query.name = test::name_of("www.example.com");
  query.type = dns::Rtype::A;
  return {.vip = test::kVip, .port = port, .site = "ams1", .queries = {query}};
}

/// When each round was over, for a while.
std::vector<std::chrono::steady_clock::time_point> times_of_rounds(std::uint16_t port, std::size_t count) {
  boost::asio::io_context context;
  VipWatch watch(context, {}, {});
  std::vector<std::chrono::steady_clock::time_point> times;
  watch.set_target(target_at(port));
  watch.start([&](const policy::Round&) { times.push_back(std::chrono::steady_clock::now()); });
  test::run_until(context, [&] { return times.size() == count; });
  return times;
}

std::chrono::nanoseconds shortest_gap(const std::vector<std::chrono::steady_clock::time_point>& times) {
  auto shortest = std::chrono::nanoseconds::max();
  for (std::size_t i = 1; i < times.size(); ++i) shortest = std::min(shortest, times[i] - times[i - 1]);
  return shortest;
}

policy::Observation seeing(std::optional<policy::Round> round) {
  return {.server = Server::Ready, .vip = Vip::Present, .round = round, .oldest_input = {}};
}

policy::Observation seeing_no_server() {
  auto seen = seeing(std::nullopt);
  seen.server = Server::Gone;
  return seen;
}

}  // namespace

TEST_SUITE("agent/vip_watch") {
  TEST_CASE("rounds come each half second, and sooner while nothing answers") {
    const test::NameServer server({});
    CHECK(shortest_gap(times_of_rounds(server.port(), 3)) > 400ms);
    const test::NameServer mute({.udp = std::nullopt, .tcp = std::nullopt});
    const auto gap = shortest_gap(times_of_rounds(mute.port(), 4));
    CHECK(gap > 300ms);
    CHECK(gap < 450ms);
  }

  TEST_CASE("without questions nothing is asked, and with other ones those are") {
    boost::asio::io_context context;
    VipWatch watch(context, {}, {});
    int rounds = 0;
    watch.start([&](const policy::Round&) { ++rounds; });
    context.run_for(50ms);
    CHECK(rounds == 0);
    const test::NameServer server({});
    watch.set_target(target_at(server.port()));
    test::run_until(context, [&] { return rounds == 1; });
    CHECK(watch.status().last_round.is_clean());
    CHECK(watch.status().rounds == 1);
    watch.set_target({});
    context.restart();
    context.run_for(700ms);
    CHECK(rounds == 1);
  }

  TEST_CASE(
      "the rate of a VIP is without its own questions, and is not known unless the server tells of it") {
    boost::asio::io_context context;
    VipWatch watch(context, {}, {});
    const test::NameServer server({});
    std::uint64_t received = 5'000;
    watch.set_target(target_at(server.port()));
    watch.start([&](const policy::Round& round) { received += round.right; });
    const base::MonotonicTime now{1h};
    CHECK(watch.load() == nullptr);
    watch.note_queries(now, received);
    CHECK(watch.load() != nullptr);
    CHECK(!watch.status().queries_per_s);
    test::run_until(context, [&] { return watch.status().rounds == 3; });
    REQUIRE(received == 5'006);
    watch.note_queries(now + 10s, received + 40);
    CHECK(watch.status().queries_per_s == 4.0);
    watch.note_queries(now + 11s, std::nullopt);
    CHECK(watch.load() == nullptr);
    CHECK(!watch.status().queries_per_s);
  }

  TEST_CASE("it is judged by a round, by a hard fact and by an operator's word, and not by nothing") {
    boost::asio::io_context context;
    const base::MonotonicTime now{1h};
    const auto judged_by = [&](const policy::Observation& seen, policy::WishKind wish) {
      VipWatch watch(context, {}, {});
      static_cast<void>(watch.decide(seen, {.kind = wish}, {}, now));
      return watch.is_judged();
    };
    CHECK(!judged_by(seeing(std::nullopt), policy::WishKind::None));
    CHECK(!judged_by(seeing(policy::Round{}), policy::WishKind::None));
    CHECK(judged_by(seeing(policy::Round{.silent = 2}), policy::WishKind::None));
    CHECK(judged_by(seeing_no_server(), policy::WishKind::None));
    CHECK(judged_by(seeing(std::nullopt), policy::WishKind::Withdraw));
  }

  TEST_CASE("a change of level is counted, and told by what decides") {
    boost::asio::io_context context;
    base::MonotonicTime now{1h};
    VipWatch watch(context, {}, {});
    int changes = 0;
    for (int i = 0; i < 20; ++i)
      changes += watch.decide(seeing(policy::Round{.right = 2}), {}, {}, now += 500ms) ? 1 : 0;
    CHECK(changes == 1);
    CHECK(watch.level() == Level::Announce);
    CHECK(watch.decide(seeing_no_server(), {}, {}, now));
    CHECK(watch.level() == Level::Withdraw);
    CHECK(watch.status().level_changes == 2);
  }

  TEST_CASE("it begins with the level and the past that it is given") {
    boost::asio::io_context context;
    policy::RouteHistory history;
    history.level = Level::DePreference;
    history.reason = policy::Reason::WrongAnswers;
    const VipWatch watch(context, {}, history);
    CHECK(watch.level() == Level::DePreference);
    CHECK(watch.decision().reason == policy::Reason::WrongAnswers);
    CHECK(!watch.is_judged());
  }
}

}  // namespace meridian::agent

#include "health/endpoint_health.hpp"

#include "base/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace meridian::health {
namespace {

using namespace std::chrono_literals;
using State = EndpointState;

const base::MonotonicTime kStart{1h};

ProbeResult result(bool is_ok, std::string cause = "connect: refused") {
  ProbeResult made;
  made.is_ok = is_ok;
  if (!is_ok) made.cause = std::move(cause);
  return made;
}

/// An endpoint probed every five seconds, as its defaults say.
struct Endpoint {
  base::MonotonicTime now = kStart;
  EndpointHealth health{CheckTiming{}, kStart};

  /// `+` a success, `-` a failure, `.` an interval without a result; returns the states between, as u, d, ?.
  std::string run(std::string_view history) {
    std::string states;
    for (const char c : history) {
      now += 5s;
      if (c == '.') {
        health.advance(now);
      } else {
        health.observe(result(c == '+'), now);
      }
      states += health.state() == State::Up ? 'u' : health.state() == State::Down ? 'd' : '?';
    }
    return states;
  }
};

}  // namespace

TEST_SUITE("health/endpoint_health") {
  TEST_CASE("states follow results with the patience that the check asks for") {
    struct Row {
      const char* why;
      const char* history;
      const char* states;
    };
    const Row rows[] = {
        {"the first success makes it up at once", "+", "u"},
        {"also behind a failure, as long as it is unknown", "-+", "?u"},
        {"at a start down_after failures make it down", "---", "??d"},
        {"failures count in a row only", "+--+--+", "uuuuuuu"},
        {"the third in a row takes it down", "+---", "uuud"},
        {"down from the start on it comes up after up_after, for it never flapped", "---+++++", "??dddddu"},
        {"successes count in a row only", "---++++-+++++", "??ddddddddddu"},
        {"believed for three intervals and a timeout, then unknown", "+...", "uuuu"},
        {"the fourth is too long", "+....", "uuuu?"},
        {"down is not believed for longer either", "---....", "??dddd?"},
        {"what came before the gap does not count", "+--....-", "uuuuuu??"},
        {"behind a gap the first success is enough, as at a start", "---....+", "??dddd?u"},
        {"failures on both sides of a gap are none in a row", "--....-", "???????"},
        {"and down_after failures", "+....---", "uuuu???d"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Endpoint endpoint;
      std::string states = row.states;
      CHECK(endpoint.run(row.history) == states);
    }
  }

  TEST_CASE("a change is told once, from and to, and carries its time and its cause") {
    Endpoint endpoint;
    const auto first = endpoint.health.observe(result(true), kStart + 1s);
    REQUIRE(first);
    CHECK(first->from == State::Unknown);
    CHECK(first->to == State::Up);
    CHECK_FALSE(endpoint.health.observe(result(true), kStart + 6s));
    CHECK(endpoint.health.since() == kStart + 1s);
    CHECK(endpoint.health.cause().empty());
    CHECK_FALSE(endpoint.health.observe(result(false, "one"), kStart + 11s));
    CHECK_FALSE(endpoint.health.observe(result(false, "two"), kStart + 16s));
    CHECK(endpoint.health.failing_since() == kStart + 11s);
    CHECK(endpoint.health.before_failures() == State::Up);
    const auto down = endpoint.health.observe(result(false, "three"), kStart + 21s);
    REQUIRE(down);
    CHECK(down->to == State::Down);
    CHECK(endpoint.health.since() == kStart + 21s);
    CHECK(endpoint.health.cause() == "three");
    CHECK(endpoint.health.before_failures() == State::Up);
    CHECK_FALSE(endpoint.health.observe(result(false, "four"), kStart + 26s));
    CHECK(endpoint.health.since() == kStart + 21s);
    CHECK(endpoint.health.cause() == "four");
  }

  TEST_CASE("a result behind a gap tells one change, and none where the state is the same again") {
    Endpoint endpoint;
    endpoint.run("+");
    CHECK_FALSE(endpoint.health.observe(result(true), endpoint.now + 1h).has_value());
    CHECK(endpoint.health.state() == State::Up);
    const auto lost = endpoint.health.observe(result(false), endpoint.now + 2h);
    REQUIRE(lost);
    CHECK(lost->from == State::Up);
    CHECK(lost->to == State::Unknown);
  }

  TEST_CASE("behind a fall it stays down for a minute, twice as long each further time, at most 15 minutes") {
    Endpoint endpoint;
    endpoint.run("+");
    for (const auto hold : {60s, 120s, 240s, 480s, 900s, 900s}) {
      CAPTURE(hold.count());
      REQUIRE(endpoint.run("---") == "uud");
      const auto fell = endpoint.now;
      while (endpoint.run("+") == "d") CHECK(endpoint.now < fell + hold);
      CHECK(endpoint.now - fell == hold);
    }
  }

  TEST_CASE("falls are forgotten, one for every ten minutes that it was up") {
    Endpoint endpoint;
    const auto hold = [&] {
      endpoint.run("---");
      return endpoint.health.held_until() - endpoint.now;
    };
    const auto come_up = [&] {
      while (endpoint.run("+") == "d") {
      }
    };
    endpoint.run("+");
    CHECK(hold() == 60s);
    come_up();
    CHECK(hold() == 120s);
    come_up();
    for (int i = 0; i < 120; ++i) endpoint.run("+");  // 10 minutes
    CHECK(hold() == 120s);
    come_up();
    for (int i = 0; i < 360; ++i) endpoint.run("+");
    CHECK(hold() == 60s);
  }

  TEST_CASE("a prober that stalls while an endpoint is down is no flapping") {
    Endpoint endpoint;
    endpoint.run("+---");
    const auto held = endpoint.health.held_until();
    CHECK(endpoint.run("....---") == "ddd???d");
    CHECK(endpoint.health.held_until() == held);
  }

  TEST_CASE("the earliest change counts from the start of the last probe, and a hold comes before it") {
    Endpoint endpoint;
    const auto left = [&] { return *endpoint.health.earliest_change() - endpoint.now; };
    CHECK_FALSE(endpoint.health.earliest_change());
    endpoint.run("+");
    CHECK_FALSE(endpoint.health.earliest_change());
    endpoint.run("-");
    CHECK(left() == 9'500ms);
    endpoint.run("-");
    CHECK(left() == 4'500ms);
    endpoint.run("-");
    CHECK_FALSE(endpoint.health.earliest_change());  // as long as it fails it does not come up
    endpoint.run("+");
    CHECK(left() == 55s);  // the hold
    endpoint.run("++++++++++");
    CHECK(left() == 5s);  // 60 s behind the fall, which the next probe may just miss
    CHECK(endpoint.run("+") == "u");
    // A probe that took its whole timeout began that long ago, and so does its successor.
    auto slow = result(false);
    slow.took = 2s;
    endpoint.now += 7s;
    endpoint.health.observe(slow, endpoint.now);
    CHECK(left() == 7'500ms);
  }

  TEST_CASE("what is restored is believed as long as a result, and behind a restart the hold goes on") {
    EndpointHealth down({}, kStart);
    down.restore(State::Down, "status 503", kStart - 30s, kStart);
    CHECK(down.state() == State::Down);
    CHECK(down.cause() == "status 503");
    CHECK(down.since() == kStart - 30s);
    CHECK(down.held_until() == kStart + 30s);
    CHECK_FALSE(down.advance(kStart + 17s));
    CHECK(down.advance(kStart + 18s));
    CHECK(down.state() == State::Unknown);

    EndpointHealth up({}, kStart);
    up.restore(State::Up, "", kStart - 1h, kStart);
    CHECK(up.state() == State::Up);
    for (int i = 1; i < 3; ++i) CHECK_FALSE(up.observe(result(false), kStart + i * 5s));
    CHECK(up.observe(result(false), kStart + 15s));
  }

  TEST_CASE("words for states go both ways") {
    for (const auto state : {State::Unknown, State::Up, State::Down})
      CHECK(find_endpoint_state(to_string(state)) == state);
    CHECK_FALSE(find_endpoint_state("UP").has_value());
  }

  TEST_CASE("over random histories no state comes without its reason, and no change before its time") {
    base::Random random(7);
    const CheckTiming timing{5s, 2s, 500ms, 4, 2};
    for (int history = 0; history < 300; ++history) {
      CAPTURE(history);
      auto now = kStart;
      EndpointHealth health(timing, now);
      std::vector<bool> results;
      auto last_fall = base::MonotonicTime::min();  // none that counts
      std::optional<base::MonotonicTime> last_result;
      const auto ends_with = [&](std::size_t count, bool is_ok) {
        if (results.size() < count) return false;
        return std::all_of(results.end() - static_cast<std::ptrdiff_t>(count), results.end(),
                           [&](bool r) { return r == is_ok; });
      };
      const auto odds = 1 + random.below(9);
      for (int step = 0; step < 400; ++step) {
        const auto promised = health.earliest_change();
        const auto was = health.state();
        const bool is_gap = random.below(60) == 0;
        now += is_gap ? 20s : milliseconds(4'500 + random.below(1'000));
        const bool is_ok = random.below(10) >= odds;
        const bool is_stale = last_result && now - *last_result > 17s;
        if (is_stale) results.clear();
        results.push_back(is_ok);
        const auto change = health.observe(result(is_ok), now);
        last_result = now;
        REQUIRE((change ? change->to : was) == health.state());
        if (change) REQUIRE(change->from == was);
        const auto is = health.state();
        if (is_stale) {
          REQUIRE((is == State::Unknown || is == State::Up));
        } else if (was != State::Down && is == State::Down) {
          REQUIRE(ends_with(timing.down_after, false));
          if (!is_gap) REQUIRE((promised && *promised <= now));
        } else if (was == State::Down && is == State::Up && !is_stale) {
          REQUIRE(ends_with(timing.up_after, true));
          REQUIRE(now >= last_fall + kHoldDown);
          REQUIRE((promised && *promised <= now));
        } else if (was == State::Unknown && is == State::Up) {
          REQUIRE(is_ok);
        }
        REQUIRE(health.held_until() <= now + kHoldDownMax);
        if (was == State::Up && is == State::Down) last_fall = now;
        if (was == State::Unknown && is == State::Down) last_fall = base::MonotonicTime::min();
      }
    }
  }
}

}  // namespace meridian::health

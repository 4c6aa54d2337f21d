#include "probe/scheduler.hpp"

#include "base/limits.hpp"
#include "support/fake_prober.hpp"
#include "support/manual_clock.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace meridian;
using namespace std::chrono_literals;

namespace {

using std::chrono::milliseconds;

std::shared_ptr<const config::Check> make_check(config::Check::Type type = config::Check::Type::Tcp,
                                                std::uint32_t jitter_percent = 10) {
  config::Check check;
  check.name = "front";
  check.type = type;
  check.port = 80;
  check.jitter_percent = jitter_percent;
  return std::make_shared<const config::Check>(check);
}

std::vector<probe::Target> make_targets(std::size_t count, std::shared_ptr<const config::Check> check) {
  std::vector<probe::Target> targets;
  for (std::uint32_t i = 0; i < count; ++i) targets.push_back({check, base::IpAddress::v4(0x7f00'0001u + i)});
  return targets;
}

/// A scheduler whose time and probes a test moves.
struct Bench {
  explicit Bench(std::uint64_t seed = 1)
      : scheduler(clock, prober, counters, seed,
                  {[this](std::size_t target, const health::ProbeResult&) { results.push_back(target); },
                   [this](bool is_complete) { first_rounds.push_back(is_complete); }}) {}

  /// Lets time pass in steps of a millisecond; probes end at once if `answers`.
  void pass(milliseconds time, bool answers = true) {
    for (milliseconds passed{0}; passed < time; passed += 1ms) {
      clock.pass(1ms);
      scheduler.run_due();
      in_flight_most = std::max(in_flight_most, scheduler.in_flight());
      if (answers) prober.end_all();
    }
  }

  test::ManualClock clock;
  test::FakeProber prober;
  stats::Counters counters;
  std::vector<std::size_t> results;
  std::vector<bool> first_rounds;
  std::size_t in_flight_most = 0;
  probe::Scheduler scheduler;
};

}  // namespace

TEST_SUITE("probe/scheduler") {
  TEST_CASE("the first round is spread over a second, and all of it is in that second") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(1'000, make_check()));
    for (int tenth = 0; tenth < 10; ++tenth) {
      CHECK(bench.first_rounds.empty());
      bench.pass(100ms);
    }
    CHECK(bench.results.size() >= 1'000);
    CHECK(std::set(bench.results.begin(), bench.results.end()).size() == 1'000);
    CHECK(bench.first_rounds == std::vector{true});
    CHECK(bench.counters.value(stats::Counter::Probes) == bench.results.size());
  }

  TEST_CASE("no tenth of a second of the first one has more than its share") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(1'000, make_check()));
    for (int tenth = 0; tenth < 10; ++tenth) {
      const std::size_t before = bench.results.size();
      bench.pass(100ms);
      // A hundred first turns, and second turns that are drawn from the five seconds behind them.
      CHECK(bench.results.size() - before >= 95);
      CHECK(bench.results.size() - before <= 140);
    }
  }

  TEST_CASE("a check that runs more often than every second has its first round within its own time") {
    auto check = *make_check();
    check.every_ms = 200;
    check.timeout_ms = 100;
    Bench bench;
    bench.scheduler.set_targets(make_targets(10, std::make_shared<const config::Check>(check)));
    bench.pass(200ms);
    CHECK(bench.first_rounds == std::vector{true});
  }

  TEST_CASE("later rounds are spread over the whole of every, not over one second") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(1'000, make_check()));
    bench.pass(20s);
    for (int second = 0; second < 10; ++second) {
      const std::size_t before = bench.results.size();
      bench.pass(1s);
      CAPTURE(second);
      CHECK(bench.results.size() - before > 150);
      CHECK(bench.results.size() - before < 270);
    }
  }

  TEST_CASE("a start comes never later than every after the one before, and at most the jitter earlier") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(1, make_check()));
    bench.pass(6s);  // the second turn is drawn from all of every
    base::MonotonicTime last{};
    std::size_t seen = bench.results.size();
    milliseconds shortest{1h};
    milliseconds longest{0};
    for (int i = 0; i < 200'000; ++i) {
      bench.pass(1ms);
      if (bench.results.size() == seen) continue;
      seen = bench.results.size();
      const auto now = bench.clock.monotonic();
      if (last != base::MonotonicTime{}) {
        const auto interval = std::chrono::duration_cast<milliseconds>(now - last);
        shortest = std::min(shortest, interval);
        longest = std::max(longest, interval);
      }
      last = now;
    }
    CHECK(shortest >= 4'499ms);
    CHECK(shortest < 4'700ms);
    CHECK(longest > 4'900ms);
    CHECK(longest <= 5'001ms);
  }

  TEST_CASE("a target has one probe at a time, and its next turn comes when that has ended") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(1, make_check()));
    bench.pass(30s, false);
    CHECK(bench.prober.take_started().size() == 1);
    bench.prober.end_one();
    CHECK(bench.prober.running() == 0);
    bench.pass(1ms, false);
    CHECK(bench.prober.running() == 1);
  }

  TEST_CASE("no more than the limit are on their way, and those that wait are counted and come in turn") {
    Bench bench;
    constexpr std::size_t kMore = 100;
    bench.scheduler.set_targets(make_targets(base::limits::kProbesInFlightMax + kMore, make_check()));
    bench.pass(1s, false);
    CHECK(bench.scheduler.in_flight() == base::limits::kProbesInFlightMax);
    CHECK(bench.in_flight_most == base::limits::kProbesInFlightMax);
    CHECK(bench.counters.value(stats::Counter::ProbesDelayed) == kMore);
    const auto started = bench.prober.take_started();
    CHECK(std::set(started.begin(), started.end()).size() == base::limits::kProbesInFlightMax);
    bench.prober.end_one();
    CHECK(bench.prober.take_started() == std::vector<std::string>{"127.0.16.1"});
    CHECK(bench.scheduler.in_flight() == base::limits::kProbesInFlightMax);
  }

  TEST_CASE("programs have a limit of their own, which does not hold up others") {
    Bench bench;
    auto targets = make_targets(base::limits::kProbeProgramsMax + 5, make_check(config::Check::Type::Exec));
    const auto others = make_targets(3, make_check());
    targets.insert(targets.end(), others.begin(), others.end());
    bench.scheduler.set_targets(targets);
    bench.pass(1s, false);
    CHECK(bench.scheduler.in_flight() == base::limits::kProbeProgramsMax + 3);
    CHECK(bench.counters.value(stats::Counter::ProbesDelayed) == 5);
    bench.prober.end_one();
    CHECK(bench.scheduler.in_flight() == base::limits::kProbeProgramsMax + 3);
  }

  TEST_CASE("targets that are probed alike are probed once, and each of them hears of it") {
    Bench bench;
    auto renamed = *make_check();
    renamed.name = "other";
    renamed.down_after = 9;
    auto other_port = *make_check();
    other_port.port = 81;
    auto targets = make_targets(1, make_check());
    targets.push_back(make_targets(1, std::make_shared<const config::Check>(renamed)).front());
    targets.push_back(make_targets(1, std::make_shared<const config::Check>(other_port)).front());
    bench.scheduler.set_targets(targets);
    bench.pass(1s, false);
    CHECK(bench.prober.running() == 2);
    bench.prober.end_all();
    std::ranges::sort(bench.results);
    CHECK(bench.results == std::vector<std::size_t>{0, 1, 2});
  }

  TEST_CASE("new targets leave those that stay their turn, and the probe on its way") {
    Bench bench;
    const auto check = make_check(config::Check::Type::Tcp, 0);
    bench.scheduler.set_targets(make_targets(2, check));
    bench.pass(1s, false);
    CHECK(bench.prober.running() == 2);
    // The second one moves to the front; the first goes; another one comes. The check is a new object.
    auto targets = make_targets(3, std::make_shared<const config::Check>(*check));
    targets.erase(targets.begin());
    bench.scheduler.set_targets(targets);
    CHECK(bench.prober.cancelled() == 1);
    CHECK(bench.scheduler.in_flight() == 1);
    bench.prober.end_one();
    CHECK(bench.results == std::vector<std::size_t>{0});
    bench.pass(1ms);
    CHECK(bench.results == std::vector<std::size_t>{0, 1});
  }

  TEST_CASE("a target that stays is not probed again by a reload") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(100, make_check()));
    bench.pass(10s);
    const auto before = bench.results.size();
    for (int reload = 0; reload < 50; ++reload) {
      bench.scheduler.set_targets(make_targets(100, make_check()));
      bench.pass(100ms);
    }
    // Five seconds of a hundred targets: one probe each, with up to a tenth of jitter.
    CHECK(bench.results.size() - before >= 95);
    CHECK(bench.results.size() - before <= 125);
    CHECK(bench.first_rounds.size() == 51);
  }

  TEST_CASE("targets that wait for room are forgotten with their map") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(base::limits::kProbesInFlightMax + 1, make_check()));
    bench.pass(1s, false);
    bench.scheduler.set_targets({});
    CHECK(bench.prober.running() == 0);
    CHECK(bench.scheduler.in_flight() == 0);
    bench.pass(1ms);
    CHECK_FALSE(bench.scheduler.next_due().has_value());
  }

  TEST_CASE("a first round that does not end is over after its limit") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(2, make_check()));
    bench.pass(milliseconds{base::limits::kProbeFirstRoundMs} - 1ms, false);
    CHECK(bench.first_rounds.empty());
    bench.pass(1ms, false);
    CHECK(bench.first_rounds == std::vector{false});
    bench.prober.end_all();
    CHECK(bench.first_rounds.size() == 1);
  }

  TEST_CASE("without targets the first round is over at once") {
    Bench bench;
    bench.scheduler.set_targets({});
    REQUIRE(bench.scheduler.next_due().has_value());
    bench.pass(1ms);
    CHECK(bench.first_rounds == std::vector{true});
  }

  TEST_CASE("checks that are pushed are not probed") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(3, make_check(config::Check::Type::Push)));
    bench.pass(10s);
    CHECK(bench.results.empty());
    CHECK(bench.first_rounds == std::vector{true});
  }

  TEST_CASE("ten thousand first probes take two seconds, or one every if that is less") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(10'000, make_check()));
    bench.pass(1'900ms);
    CHECK(bench.first_rounds.empty());
    bench.pass(101ms);
    CHECK(bench.first_rounds == std::vector{true});
  }

  TEST_CASE("failures while the thread did not run are left out, successes are not") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(4, make_check()));
    bench.pass(1s, false);
    REQUIRE(bench.prober.running() == 4);
    bench.clock.pass(11s);
    // Time-outs come before the turn that is due, as they may after a stall.
    bench.prober.end_one(probe::failure("connect: timed out after 2000 ms"));
    CHECK(bench.results.empty());
    bench.prober.end_one();
    CHECK(bench.results.size() == 1);
    bench.scheduler.run_due();
    bench.prober.end_one(probe::failure("connect: timed out after 2000 ms"));
    bench.prober.end_one(probe::failure("connect: timed out after 2000 ms"));
    CHECK(bench.results.size() == 1);
    CHECK(bench.counters.value(stats::Counter::ProbesDisregarded) == 3);
    CHECK(bench.counters.value(stats::Counter::ProbeFailures) == 0);
    // They have their turn again, and what started after the stall is believed.
    bench.pass(10ms, false);
    bench.pass(1s, false);
    REQUIRE(bench.prober.running() > 0);
    while (bench.prober.running() > 0) bench.prober.end_one(probe::failure("connect: refused"));
    CHECK(bench.counters.value(stats::Counter::ProbeFailures) > 0);
    CHECK(bench.counters.value(stats::Counter::ProbesDisregarded) == 3);
  }

  TEST_CASE("each stall halves how many may be on their way, and each result gives one back") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(base::limits::kProbesInFlightMax, make_check()));
    bench.pass(1s, false);
    const auto stall = [&] {
      bench.clock.pass(6s);
      bench.prober.end_all();  // as late as the turns that are due
      bench.in_flight_most = 0;
      bench.pass(1ms, false);
    };
    std::size_t expected = base::limits::kProbesInFlightMax;
    for (int i = 0; i < 10; ++i) {
      const std::size_t results = bench.results.size();
      stall();
      expected = std::max(base::limits::kProbesInFlightMin, expected / 2);
      expected = std::min(expected + bench.results.size() - results, base::limits::kProbesInFlightMax);
      CAPTURE(i);
      CHECK(bench.scheduler.in_flight() <= expected);
    }
  }

  TEST_CASE("stalls without results end with a few probes on their way, and those make room again") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(10'000, make_check()));
    for (int i = 0; i < 10; ++i) {
      bench.clock.pass(6s);
      for (std::size_t left = bench.prober.running(); left > 0; --left)
        bench.prober.end_one(probe::failure("connect: timed out after 2000 ms"));
      bench.scheduler.run_due();
    }
    CHECK(bench.scheduler.in_flight() == base::limits::kProbesInFlightMin);
    CHECK(bench.results.empty());
    bench.pass(1s);
    CHECK(bench.results.size() > 9'000);
    CHECK(bench.in_flight_most > 1'000);
  }

  TEST_CASE("a probe that takes longer than every is no stall") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(1, make_check()));
    bench.pass(9s, false);
    bench.prober.end_one(probe::failure("connect: refused"));
    bench.pass(1ms, false);
    bench.prober.end_one(probe::failure("connect: refused"));
    CHECK(bench.results.size() == 2);
  }

  TEST_CASE("failures and warnings are counted") {
    Bench bench;
    bench.scheduler.set_targets(make_targets(2, make_check()));
    bench.pass(1s, false);
    bench.prober.end_one(probe::failure("connect: refused"));
    auto warned = probe::success();
    warned.warning = "certificate ends in 3 days";
    bench.prober.end_one(warned);
    CHECK(bench.counters.value(stats::Counter::Probes) == 2);
    CHECK(bench.counters.value(stats::Counter::ProbeFailures) == 1);
    CHECK(bench.counters.value(stats::Counter::ProbeWarnings) == 1);
  }
}

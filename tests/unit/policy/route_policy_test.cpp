#include "bgp/policy/route_policy.hpp"

#include "base/random.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace meridian::policy {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds kEvery{500};
const Round kClean{.right = 4};
const Round kSilent{.silent = 4};
const Round kWrong{.right = 3, .wrong = 1};
const Round kForeign{.right = 3, .foreign = 1};
const Round kNotAsked{};

Observation ready(const Round& round) {
  return {.server = Server::Ready, .vip = Vip::Present, .round = round, .oldest_input = 10s};
}

/// One VIP of a site, observed every half second.
struct Site {
  Settings settings;
  Wish wish;
  RouteHistory history;
  base::MonotonicTime now{1h};
  Decision last;

  Decision see(const Observation& seen) {
    last = decide_route(seen, wish, settings, history, now);
    history = last.history;
    now += kEvery;
    if (wish.kind != WishKind::None) wish.held += kEvery;
    return last;
  }
  Decision see(const Observation& seen, int times) {
    for (int i = 0; i < times; ++i) see(seen);
    return last;
  }
  void pass(milliseconds time) { now += time; }
  void ask_for(WishKind kind) { wish = {.kind = kind, .held = 0ms, .is_quiet = false}; }
};

/// Announced, for long enough that nothing of its past counts.
Site serving_site() {
  Site site;
  REQUIRE(site.see(ready(kClean), kRoundsToRise).level == Level::Announce);
  site.pass(1h);
  return site;
}

Observation with(Observation seen, void (*change)(Observation&)) {
  change(seen);
  return seen;
}

/// Anything an agent may see; `is_fine`: without what is hard.
Observation random_observation(base::Random& random, bool is_fine) {
  Observation seen;
  seen.server = is_fine ? Server::Ready : static_cast<Server>(random.below(4));
  seen.vip = is_fine ? Vip::Present : static_cast<Vip>(random.below(3));
  const Round rounds[] = {kClean,    kWrong,      {.right = 2, .silent = 2, .has_silent_transport = true},
                          kNotAsked, kClean,      kSilent,
                          kForeign,  {.wrong = 4}};
  if (random.below(8) != 0) seen.round = rounds[random.below(is_fine ? 5 : 8)];
  if (random.below(3) == 0) seen.oldest_input = std::chrono::seconds(random.below(200'000));
  seen.is_overloaded = random.below(4) == 0;
  seen.fails_local_check = random.below(4) == 0;
  return seen;
}

}  // namespace

TEST_SUITE("policy/route_policy") {
  TEST_CASE("each row of the table, seen at a site that serves") {
    struct Row {
      const char* why;
      Observation seen;
      int times;
      Level level;
      Reason reason;
    };
    const Row rows[] = {
        {"all is well", ready(kClean), 1, Level::Announce, Reason::Serving},
        {"the server is gone: at once", with({}, [](auto& seen) { seen.server = Server::Gone; }), 1,
         Level::Withdraw, Reason::ServerGone},
        {"two rounds without an answer are not enough", ready(kSilent), 2, Level::Announce, Reason::Serving},
        {"three rounds are", ready(kSilent), 3, Level::Withdraw, Reason::ServerSilent},
        {"another site answers: at once", ready(kForeign), 1, Level::Withdraw, Reason::ForeignAnswer},
        {"the VIP is on no interface: at once",
         with(ready(kClean), [](auto& seen) { seen.vip = Vip::Missing; }), 1, Level::Withdraw,
         Reason::VipMissing},
        {"the server has no map", with(ready(kClean), [](auto& seen) { seen.server = Server::NotReady; }), 1,
         Level::Withdraw, Reason::NotReady},
        {"two wrong rounds are not enough", ready(kWrong), 2, Level::Announce, Reason::Serving},
        {"wrong answers", ready(kWrong), 3, Level::DePreference, Reason::WrongAnswers},
        {"only wrong answers, for ever", ready({.wrong = 4}), 1'000, Level::DePreference,
         Reason::WrongAnswers},
        {"no answer over TCP", ready({.right = 2, .silent = 2, .has_silent_transport = true}), 3,
         Level::DePreference, Reason::SilentTransport},
        {"stale input", with(ready(kClean), [](auto& seen) { seen.oldest_input = 86'401s; }), 1,
         Level::DePreference, Reason::StaleInput},
        {"input just not stale", with(ready(kClean), [](auto& seen) { seen.oldest_input = 86'400s; }), 1,
         Level::Announce, Reason::Serving},
        {"overload is absorbed", with(ready(kClean), [](auto& seen) { seen.is_overloaded = true; }), 100,
         Level::Announce, Reason::Serving},
        {"a local check fails", with(ready(kClean), [](auto& seen) { seen.fails_local_check = true; }), 1,
         Level::DePreference, Reason::LocalCheck},
        {"the agent can ask nothing", ready(kNotAsked), 1'000, Level::Announce, Reason::Serving},
        {"the agent sees nothing at all", Observation{}, 1'000, Level::Announce, Reason::Serving},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      auto site = serving_site();
      const auto decision = site.see(row.seen, row.times);
      CHECK(decision.level == row.level);
      CHECK(decision.reason == row.reason);
      CHECK(decision.brake == Brake::None);
    }
  }

  TEST_CASE("overload de-preferences where the site file says so") {
    auto site = serving_site();
    site.settings.overload_de_preferences = true;
    const auto decision = site.see(with(ready(kClean), [](auto& seen) { seen.is_overloaded = true; }));
    CHECK(decision.level == Level::DePreference);
    CHECK(decision.reason == Reason::Overloaded);
  }

  TEST_CASE("a site that may not withdraw de-preferences") {
    auto site = serving_site();
    site.settings.may_withdraw = MayWithdraw::Never;
    const auto decision = site.see(with({}, [](auto& seen) { seen.server = Server::Gone; }));
    CHECK(decision.level == Level::DePreference);
    CHECK(decision.wanted == Level::Withdraw);
    CHECK(decision.brake == Brake::MayNotWithdraw);
  }

  TEST_CASE("a site starts without a route, and has one after ten clean rounds") {
    Site site;
    CHECK(site.see({}).level == Level::Withdraw);
    const auto waiting = site.see(ready(kClean), kRoundsToRise - 1);
    CHECK(waiting.level == Level::Withdraw);
    CHECK(waiting.wanted == Level::Announce);
    CHECK(waiting.brake == Brake::Probation);
    CHECK(site.see(ready(kClean)).level == Level::Announce);
  }

  TEST_CASE("a round that is not clean begins the probation anew, one that was not asked does not") {
    Site site;
    site.see(ready(kClean), kRoundsToRise - 1);
    site.see(ready(kWrong));
    CHECK(site.see(ready(kClean), kRoundsToRise - 1).level == Level::Withdraw);
    site.see(ready(kNotAsked), 5);
    CHECK(site.last.level == Level::Withdraw);
    CHECK(site.see(ready(kClean)).level == Level::Announce);
  }

  TEST_CASE("a site that answers wrongly from the start is de-preferred, so that no hole is where it was") {
    Site site;
    CHECK(site.see(ready(kWrong), kRoundsToRise - 1).level == Level::Withdraw);
    CHECK(site.see(ready(kWrong)).level == Level::DePreference);
  }

  TEST_CASE("after a fall it waits for the hold-down and for clean rounds, whichever takes longer") {
    auto site = serving_site();
    site.see(with({}, [](auto& seen) { seen.server = Server::Gone; }));
    CHECK(site.see(ready(kClean), 58).level == Level::Withdraw);
    CHECK(site.last.brake == Brake::HoldDown);
    CHECK(site.see(ready(kClean), 2).level == Level::Announce);  // 30 s after the fall
    site.pass(kMinimumUp);
    site.see(ready(kSilent), 3);
    site.pass(70s);
    CHECK(site.see(ready(kClean), kRoundsToRise - 1).brake == Brake::Probation);
    CHECK(site.see(ready(kClean)).level == Level::Announce);
  }

  TEST_CASE("clean rounds of before the server went do not count") {
    auto site = serving_site();
    site.see(with({}, [](auto& seen) { seen.server = Server::Gone; }));
    site.pass(10min);
    CHECK(site.see(ready(kClean)).brake == Brake::Probation);
  }

  TEST_CASE("an agent that cannot look raises nothing, whatever it saw before") {
    auto site = serving_site();
    site.see(with({}, [](auto& seen) { seen.server = Server::Gone; }));
    site.see(ready(kClean), 20);
    site.pass(10min);
    CHECK(site.see({}).level == Level::Withdraw);
    CHECK(site.see(with(ready(kClean), [](auto& seen) { seen.server = Server::Unknown; })).level ==
          Level::Withdraw);
    CHECK(site.see(ready(kClean)).level == Level::Announce);
  }

  TEST_CASE("a soft reason waits until the route was up for a minute, a hard one does not") {
    Site site;
    site.see(ready(kClean), kRoundsToRise);
    CHECK(site.see(ready(kWrong), 10).level == Level::Announce);
    CHECK(site.last.brake == Brake::MinimumUp);
    CHECK(site.last.wanted == Level::DePreference);
    site.pass(kMinimumUp);
    CHECK(site.see(ready(kWrong)).level == Level::DePreference);
    Site other;
    other.see(ready(kClean), kRoundsToRise);
    CHECK(other.see(ready(kSilent), 3).level == Level::Withdraw);
  }

  TEST_CASE("a drain ends when the VIP is quiet, not before a minute and not after five") {
    struct Row {
      const char* why;
      bool is_quiet;
      milliseconds held;
      Level level;
    };
    const Row rows[] = {
        {"it begins", false, 0ms, Level::DePreference},
        {"quiet, but too soon", true, 60s - 1ms, Level::DePreference},
        {"quiet", true, 60s, Level::Withdraw},
        {"not quiet yet", false, 300s - 1ms, Level::DePreference},
        {"time is out", false, 300s, Level::Withdraw},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      auto site = serving_site();
      site.wish = {WishKind::Drain, row.held, row.is_quiet};
      const auto decision = site.see(ready(kClean));
      CHECK(decision.level == row.level);
      CHECK(decision.reason == Reason::OperatorDrains);
    }
  }

  TEST_CASE("a drained site comes back at once, and is not held for what an operator did") {
    auto site = serving_site();
    site.ask_for(WishKind::Drain);
    site.see(ready(kClean), 700);
    REQUIRE(site.last.level == Level::Withdraw);
    site.wish = {};
    CHECK(site.see(ready(kClean)).level == Level::Announce);
  }

  TEST_CASE("a drain raises no site that is down") {
    Site site;
    site.ask_for(WishKind::Drain);
    CHECK(site.see(ready(kClean), 20).level == Level::Withdraw);
  }

  TEST_CASE("an operator who announces passes over soft reasons and brakes, never over a hard one") {
    auto site = serving_site();
    site.see(with({}, [](auto& seen) { seen.server = Server::Gone; }));
    site.ask_for(WishKind::Announce);
    CHECK(site.see(with({}, [](auto& seen) { seen.server = Server::Gone; })).level == Level::Withdraw);
    CHECK(site.see({}).level == Level::Withdraw);
    CHECK(site.see(ready(kWrong)).level == Level::Announce);
    CHECK(site.see(ready(kWrong), 200).level == Level::Announce);
    CHECK(site.see(ready(kSilent), 3).level == Level::Withdraw);
  }

  TEST_CASE("an operator who withdraws is heeded at once, and at any time") {
    auto site = serving_site();
    site.ask_for(WishKind::Withdraw);
    CHECK(site.see(ready(kClean)).level == Level::Withdraw);
    CHECK(site.last.reason == Reason::OperatorWithdrew);
    CHECK(site.see(ready(kClean), 100).level == Level::Withdraw);
  }

  TEST_CASE("two VIPs of a site fail apart") {
    auto first = serving_site();
    const auto second = serving_site();
    first.see(with(ready(kClean), [](auto& seen) { seen.vip = Vip::Missing; }));
    CHECK(first.last.level == Level::Withdraw);
    CHECK(second.last.level == Level::Announce);
  }

  TEST_CASE("a site that flaps for ever changes at most six times in ten minutes") {
    auto site = serving_site();
    std::vector<base::MonotonicTime> changes;
    auto level = site.history.level;
    for (int i = 0; i < 200'000; ++i) {
      // As unkind as can be: it fails whenever it is up, and is clean whenever it is down.
      site.see(site.history.level == Level::Announce ? ready(i % 2 == 0 ? kForeign : kSilent)
                                                     : ready(kClean));
      if (site.history.level == level) continue;
      level = site.history.level;
      changes.push_back(site.now);
    }
    CHECK(changes.size() > 20);
    for (std::size_t i = kChangesMax; i < changes.size(); ++i)
      CHECK(changes[i] - changes[i - kChangesMax] >= kChangeWindow);
  }

  TEST_CASE("whatever happens, silence withdraws within three rounds and changes stay few") {
    base::Random random(6);
    for (int history = 0; history < 300; ++history) {
      CAPTURE(history);
      Site site;
      site.settings.overload_de_preferences = random.below(2) == 0;
      std::vector<base::MonotonicTime> changes;
      int silent = 0;
      for (int i = 0; i < 2'000; ++i) {
        const auto before = site.history.level;
        Observation seen = ready(kClean);
        if (random.below(40) == 0) seen = random_observation(random, false);
        if (silent > 0 || random.below(100) == 0) seen = ready(kSilent);
        silent = seen.round && seen.round->is_silent() ? silent + 1 : 0;
        if (silent > 5) silent = 0;
        site.see(seen);
        if (silent >= 3) REQUIRE(site.history.level == Level::Withdraw);
        if (seen.server == Server::Gone) REQUIRE(site.history.level == Level::Withdraw);
        if (seen.vip == Vip::Missing) REQUIRE(site.history.level == Level::Withdraw);
        if (site.history.level != before) changes.push_back(site.now);
        if (random.below(50) == 0) site.pass(std::chrono::seconds(random.below(300)));
      }
      for (std::size_t i = kChangesMax; i < changes.size(); ++i)
        REQUIRE(changes[i] - changes[i - kChangesMax] >= kChangeWindow);
    }
  }

  TEST_CASE("what other sites may see too never withdraws") {
    base::Random random(7);
    for (int history = 0; history < 300; ++history) {
      CAPTURE(history);
      auto site = serving_site();
      site.settings.overload_de_preferences = random.below(2) == 0;
      for (int i = 0; i < 2'000; ++i) {
        site.see(random_observation(random, true));
        REQUIRE(site.history.level != Level::Withdraw);
        if (random.below(50) == 0) site.pass(std::chrono::seconds(random.below(1'000)));
      }
    }
  }

  TEST_CASE("every reason and every brake has a word of its own") {
    std::vector<std::string> words;
    for (int i = 0; i <= static_cast<int>(Reason::OperatorAnnounces); ++i)
      words.emplace_back(to_string(static_cast<Reason>(i)));
    for (int i = 0; i <= static_cast<int>(Brake::MayNotWithdraw); ++i)
      words.emplace_back(to_string(static_cast<Brake>(i)));
    for (std::size_t i = 0; i < words.size(); ++i) {
      CHECK_FALSE(words[i].empty());
      for (std::size_t j = 0; j < i; ++j) CHECK(words[i] != words[j]);
    }
  }
}

}  // namespace meridian::policy

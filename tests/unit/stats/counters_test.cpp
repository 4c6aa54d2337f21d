#include "stats/counters.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace meridian;
using stats::Counter;

TEST_SUITE("stats/counters") {
  TEST_CASE("counter names are unique snake_case words that end in _total") {
    std::set<std::string> names;
    for (const auto& row : stats::kCounterTable) {
      const std::string name(row.name);
      CAPTURE(name);
      CHECK(names.insert(name).second);
      CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
      CHECK(name.size() > 6);
      CHECK(row.name.substr(name.size() - 6) == "_total");
    }
  }

  TEST_CASE("every help text is one sentence and the name tells the unit") {
    for (const auto& row : stats::kCounterTable) {
      const std::string name(row.name);
      CAPTURE(name);
      REQUIRE(row.help.size() > 20);
      CHECK((row.help.front() >= 'A' && row.help.front() <= 'Z'));
      CHECK(row.help.find('.') == row.help.size() - 1);
      CHECK(name.find(row.unit) != std::string::npos);
    }
  }

  TEST_CASE("docs/counters.md lists every counter with its help text") {
    std::ifstream file(MERIDIAN_SOURCE_DIR "/docs/counters.md");
    REQUIRE(file.good());
    std::stringstream text;
    text << file.rdbuf();
    for (const auto& row : stats::kCounterTable) {
      const auto line = "| `" + std::string(row.name) + "` | " + std::string(row.help) + " |";
      CAPTURE(line);
      CHECK(text.str().find(line) != std::string::npos);
    }
  }

  TEST_CASE("add counts one unless told otherwise, and touches no other counter") {
    stats::Counters counters;
    counters.add(Counter::UdpQueries);
    counters.add(Counter::UdpQueries, 31);
    for (const auto& row : stats::kCounterTable) {
      CAPTURE(row.name);
      CHECK(counters.value(row.counter) == (row.counter == Counter::UdpQueries ? 32 : 0));
    }
  }

  TEST_CASE("a total is the sum over blocks, and blocks keep their place as more are registered") {
    stats::CounterRegistry registry;
    CHECK(registry.total(Counter::Refused) == 0);
    std::vector<stats::Counters*> blocks;
    for (std::uint64_t i = 1; i <= 100; ++i) {
      blocks.push_back(&registry.register_block());
      blocks.back()->add(Counter::Refused, i);
    }
    CHECK(registry.total(Counter::Refused) == 5'050);
    CHECK(blocks.front()->value(Counter::Refused) == 1);
    CHECK(registry.total(Counter::FormErr) == 0);
  }

  TEST_CASE("two blocks never share a cache line") {
    static_assert(alignof(stats::Counters) == 64);
    static_assert(sizeof(stats::Counters) % 64 == 0);
    CHECK(std::atomic<std::uint64_t>::is_always_lock_free);
  }

  TEST_CASE("threads may register, count and sum at once without losing a count") {
    constexpr std::uint64_t kAdds = 20'000;
    constexpr std::uint64_t kThreads = 4;
    stats::CounterRegistry registry;
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&registry] {
        auto& counters = registry.register_block();
        for (std::uint64_t n = 0; n < kAdds; ++n) counters.add(Counter::UdpAnswers);
      });
    }
    std::uint64_t seen = 0;
    while (seen < kAdds * kThreads) {
      const auto now = registry.total(Counter::UdpAnswers);
      REQUIRE(now >= seen);
      seen = now;
    }
    for (auto& thread : threads) thread.join();
    CHECK(registry.total(Counter::UdpAnswers) == kAdds * kThreads);
  }
}

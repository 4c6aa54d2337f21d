#include "rate/rate_table.hpp"

#include "base/limits.hpp"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

namespace meridian::rate {
namespace {

constexpr std::uint64_t kSeed = 7;

/// How many of `count` things that come at once are within the limit.
int taken_at_once(RateTable& table, std::uint64_t key, const Rate& rate, std::uint64_t now_ms, int count) {
  int taken = 0;
  for (int i = 0; i < count; ++i) taken += table.take(key, rate, now_ms) ? 0 : 1;
  return taken;
}

TEST_SUITE_BEGIN("rate/rate_table");

TEST_CASE("a second's worth may come at once, for any rate") {
  for (const std::uint32_t per_second : {1u, 2u, 5u, 100u, 1'000u, 10'000u}) {
    CAPTURE(per_second);
    RateTable table(64, kSeed);
    const int taken = taken_at_once(table, 1, make_rate(per_second, 15), 1'000, 20'000);
    CHECK(taken >= static_cast<int>(per_second));
    CHECK(taken <= static_cast<int>(per_second + per_second / 40));
  }
}

TEST_CASE("with a window of one second a flood gets the rate and no more") {
  RateTable table(64, kSeed);
  const Rate rate = make_rate(10, 1);
  int taken = 0;
  for (std::uint64_t ms = 0; ms < 10'000; ++ms) taken += table.take(1, rate, ms) ? 0 : 1;
  CHECK(taken >= 105);  // ten at once, then ten a second
  CHECK(taken <= 111);
}

TEST_CASE("with a longer window a flood gets nothing until it has been quiet for as long") {
  RateTable table(64, kSeed);
  const Rate rate = make_rate(10, 15);
  int taken = 0;
  for (std::uint64_t ms = 0; ms < 10'000; ++ms) taken += table.take(1, rate, ms) ? 0 : 1;
  CHECK(taken == 10);
  CHECK(table.take(1, rate, 10'000 + 13'000));
  CHECK_FALSE(table.take(1, rate, 10'000 + 13'000 + 15'000));
}

TEST_CASE("what stays below the rate is never over it") {
  RateTable table(64, kSeed);
  const Rate rate = make_rate(10, 15);
  int over = 0;
  for (std::uint64_t ms = 0; ms < 60'000; ms += 101) over += table.take(1, rate, ms) ? 1 : 0;
  CHECK(over == 0);
}

TEST_CASE("no limit is no limit") {
  RateTable table(64, kSeed);
  CHECK(taken_at_once(table, 1, make_rate(0, 15), 0, 1'000) == 1'000);
}

TEST_CASE("keys do not share their tokens") {
  RateTable table(1u << 16, kSeed);
  const Rate rate = make_rate(1, 15);
  int over = 0;
  for (std::uint64_t key = 0; key < 1'000; ++key) over += table.take(key, rate, 0) ? 1 : 0;
  CHECK(over == 0);
  for (std::uint64_t key = 0; key < 1'000; ++key) over += table.take(key, rate, 0) ? 1 : 0;
  CHECK(over == 1'000);
}

TEST_CASE("a full line gives up its calmest key, not its busiest") {
  RateTable table(8, kSeed);  // one line
  const Rate rate = make_rate(100, 15);
  static_cast<void>(taken_at_once(table, 1, rate, 0, 2'000));  // deep in debt
  for (std::uint64_t key = 2; key < 40; ++key) static_cast<void>(table.take(key, rate, 0));
  CHECK(table.take(1, rate, 0));
}

TEST_CASE("a key not seen for weeks has no debt left, whatever the clock's bits say") {
  RateTable table(64, kSeed);
  const Rate rate = make_rate(10, 15);
  static_cast<void>(taken_at_once(table, 1, rate, 1'000'000, 1'000));
  const std::uint64_t day_ms = 86'400'000;
  for (std::uint64_t days = 1; days < 49; ++days) {
    CAPTURE(days);
    RateTable fresh(64, kSeed);
    static_cast<void>(taken_at_once(fresh, 1, rate, 1'000'000, 1'000));
    CHECK_FALSE(fresh.take(1, rate, 1'000'000 + days * day_ms));
  }
}

TEST_CASE("many threads on one key let through no more than one thread would") {
  RateTable table(64, kSeed);
  const Rate rate = make_rate(1'000, 15);
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { taken += taken_at_once(table, 1, rate, 0, 20'000); });
  }
  for (auto& thread : threads) thread.join();
  CHECK(taken >= 1'000);
  CHECK(taken <= 1'500);  // whoever loses the race for the word four times in a row goes free
}

TEST_CASE("memory is what was asked for, in whole lines") {
  CHECK(RateTable(1, kSeed).entries() == 8);
  CHECK(RateTable(1'000, kSeed).entries() == 1'024);
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::rate

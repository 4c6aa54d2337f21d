#include "control/event_budget.hpp"

#include "base/limits.hpp"

#include <doctest/doctest.h>

using namespace meridian;
using namespace std::chrono_literals;

namespace {

constexpr base::MonotonicTime kStart{1h};
constexpr auto kAtOnce = base::limits::kEndpointEventsAtOnce;
constexpr auto kPerSecond = base::limits::kEndpointEventsPerSecond;

/// How many of `tries` lines there is room for.
std::uint32_t take(control::EventBudget& budget, std::uint32_t tries, base::MonotonicTime now) {
  std::uint32_t taken = 0;
  for (std::uint32_t i = 0; i < tries; ++i) taken += budget.take(now) ? 1u : 0u;
  return taken;
}

}  // namespace

TEST_SUITE("control/event_budget") {
  TEST_CASE("so many lines at once, and then so many a second") {
    control::EventBudget budget;
    CHECK(take(budget, 2 * kAtOnce, kStart) == kAtOnce);
    CHECK(take(budget, kAtOnce, kStart + 1s) == kPerSecond);
    CHECK(take(budget, kAtOnce, kStart + 11s) == 10 * kPerSecond);
  }

  TEST_CASE("after a quiet time all of it is there again, and no more than that") {
    control::EventBudget budget;
    CHECK(take(budget, kAtOnce, kStart) == kAtOnce);
    CHECK(take(budget, 2 * kAtOnce, kStart + 24h) == kAtOnce);
  }

  TEST_CASE("what is left out is told once, and again when ten seconds have passed") {
    control::EventBudget budget;
    CHECK_FALSE(budget.take_left_out(kStart));
    static_cast<void>(take(budget, kAtOnce + 7, kStart));
    CHECK(budget.take_left_out(kStart) == 7);
    CHECK_FALSE(budget.take_left_out(kStart));
    static_cast<void>(take(budget, 5, kStart));
    CHECK_FALSE(budget.take_left_out(kStart + 9s));
    CHECK(budget.take_left_out(kStart + 10s) == 5);
  }
}

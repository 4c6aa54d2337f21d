#include "control/settle.hpp"

#include "support/manual_clock.hpp"

#include <doctest/doctest.h>

namespace meridian::control {
namespace {

using namespace std::chrono_literals;

}  // namespace

TEST_SUITE("control/settle") {
  TEST_CASE("without a change nothing is due") {
    test::ManualClock clock;
    const Settle settle(2s, 30s);
    clock.pass(100s);
    CHECK_FALSE(settle.due());
    CHECK_FALSE(settle.is_due(clock.monotonic()));
    CHECK_FALSE(settle.is_overdue(clock.monotonic()));
  }

  TEST_CASE("it is due once it has been quiet, and each change starts the wait anew") {
    test::ManualClock clock;
    Settle settle(2s, 30s);
    settle.note_change(clock.monotonic());
    clock.pass(1999ms);
    CHECK_FALSE(settle.is_due(clock.monotonic()));
    settle.note_change(clock.monotonic());
    clock.pass(1999ms);
    CHECK_FALSE(settle.is_due(clock.monotonic()));
    clock.pass(1ms);
    CHECK(settle.is_due(clock.monotonic()));
    CHECK_FALSE(settle.is_overdue(clock.monotonic()));
    settle.reset();
    CHECK_FALSE(settle.is_due(clock.monotonic()));
  }

  TEST_CASE("constant change postpones it only so long, and again from the first change after that") {
    test::ManualClock clock;
    Settle settle(2s, 30s);
    for (int round = 0; round < 3; ++round) {
      CAPTURE(round);
      for (int second = 0; second < 30; ++second) {
        settle.note_change(clock.monotonic());
        CHECK_FALSE(settle.is_due(clock.monotonic()));
        clock.pass(1s);
      }
      CHECK(settle.is_due(clock.monotonic()));
      CHECK(settle.is_overdue(clock.monotonic()));
      settle.reset();
    }
  }

  TEST_CASE("a wait longer than the limit is kept") {
    test::ManualClock clock;
    Settle settle(60s, 30s);
    settle.note_change(clock.monotonic());
    clock.pass(59s);
    CHECK_FALSE(settle.is_due(clock.monotonic()));
    clock.pass(1s);
    CHECK(settle.is_due(clock.monotonic()));
  }
}

}  // namespace meridian::control

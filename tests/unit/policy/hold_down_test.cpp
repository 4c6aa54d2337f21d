#include "bgp/policy/hold_down.hpp"

#include <doctest/doctest.h>

namespace meridian::policy {
namespace {

using namespace std::chrono_literals;

const base::MonotonicTime kStart{1h};

}  // namespace

TEST_SUITE("policy/hold_down") {
  TEST_CASE("a route that never fell is not held") {
    const HoldDown hold;
    CHECK_FALSE(hold.held_until(kStart));
    CHECK_FALSE(hold.held_until({}));
  }

  TEST_CASE("each fall holds for twice as long, to half an hour at most") {
    HoldDown hold;
    auto now = kStart;
    for (const auto expected : {30s, 60s, 120s, 240s, 480s, 960s, 1800s, 1800s}) {
      hold.fall(now);
      CHECK(hold.length() == expected);
      CHECK(hold.held_until(now) == now + expected);
      CHECK(hold.held_until(now + expected - 1ms) == now + expected);
      now += expected;
      CHECK_FALSE(hold.held_until(now));
    }
  }

  TEST_CASE("a quarter of an hour without a fall halves the next hold") {
    struct Row {
      std::chrono::milliseconds pause;
      std::chrono::milliseconds expected;
    };
    const Row rows[] = {{8min, 480s}, {15min - 1ms, 480s}, {15min, 240s}, {30min, 120s},
                        {45min, 60s}, {1h, 30s},           {100h, 30s},   {10'000h, 30s}};
    for (const auto& row : rows) {
      CAPTURE(row.pause.count());
      HoldDown hold;
      auto now = kStart;
      for (int i = 0; i < 4; ++i) {
        hold.fall(now);
        now = *hold.held_until(now);
      }
      REQUIRE(hold.length() == 240s);
      hold.fall(now + row.pause);
      CHECK(hold.length() == row.expected);
    }
  }

  TEST_CASE("a further fall while it is held is the same one, and begins the wait anew") {
    HoldDown hold;
    hold.fall(kStart);
    hold.fall(kStart + 20s);
    CHECK(hold.length() == 30s);
    CHECK(hold.held_until(kStart + 30s) == kStart + 50s);
  }

  TEST_CASE("one change is left for a withdrawal, and changes are forgotten after ten minutes") {
    ChangeLimit changes;
    for (int i = 0; i < 5; ++i) {
      CHECK(changes.has_room(kStart + i * 1s));
      changes.note(kStart + i * 1s);
    }
    CHECK_FALSE(changes.has_room(kStart + 5s));
    changes.note(kStart + 6s);  // the withdrawal
    CHECK(changes.recent(kStart + 6s) == kChangesMax);
    CHECK_FALSE(changes.has_room(kStart + 10min));  // one of six is forgotten
    CHECK(changes.has_room(kStart + 10min + 1s));   // and then another
    CHECK(changes.recent(kStart + 10min + 1s) == 4);
  }
}

}  // namespace meridian::policy

#include "base/utc.hpp"

#include <doctest/doctest.h>

namespace meridian::base {

using namespace std::chrono;
using namespace std::chrono_literals;

TEST_SUITE("base/utc") {
  TEST_CASE("times are written in UTC and read back") {
    const WallTime time = sys_days{2026y / 11 / 27} + 3h + 4min + 5s + 678ms;
    CHECK(to_utc(time) == "2026-11-27T03:04:05Z");
    CHECK(to_utc_ms(time) == "2026-11-27T03:04:05.678Z");
    CHECK(parse_utc(to_utc_ms(time)) == time);
    CHECK(parse_utc(to_utc(time)) == time - 678ms);
  }

  TEST_CASE("what people write is read, and what is no time is not") {
    const WallTime time = sys_days{2026y / 11 / 27} + 3h + 4min;
    for (const auto* const text :
         {"2026-11-27T03:04Z", "2026-11-27 03:04", "2026-11-27T03:04:00", "2026-11-27 03:04:00Z"}) {
      CAPTURE(text);
      CHECK(parse_utc(text) == time);
    }
    for (const auto* const text :
         {"", "2026-11-27", "2026-11-27T", "2026-13-27T03:04Z", "2026-02-30T03:04Z", "2026-11-27T24:00Z",
          "2026-11-27T03:60Z", "2026-11-27T03:04:60Z", "2026-11-27T03:04Zx", "1969-11-27T03:04Z",
          "2026-1-27T03:04Z", "2026-11-27T03:04+01:00", "2026-11-27T+3:04", "2026-11-27T03:04:05.6Z"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_utc(text).has_value());
    }
  }
}

}  // namespace meridian::base

#include "base/log.hpp"

#include <doctest/doctest.h>

namespace meridian::base {

TEST_SUITE("base/log") {
  TEST_CASE("an event line is a name and its fields") {
    CHECK(format_event("map_loaded", {{"epoch", 3}, {"took_ms", 41}}) ==
          "event=map_loaded epoch=3 took_ms=41");
  }

  TEST_CASE("values that would not survive splitting are quoted, and no value can forge a line") {
    CHECK(format_event("x", {{"error", "timed out"}}) == "event=x error=\"timed out\"");
    CHECK(format_event("x", {{"error", ""}}) == "event=x error=\"\"");
    CHECK(format_event("x", {{"error", "a\"b\\c"}}) == R"(event=x error="a\"b\\c")");
    CHECK(format_event("x", {{"error", "a\nevent=forged"}}) == R"(event=x error="a\x0aevent=forged")");
  }
}

}  // namespace meridian::base

#include "base/random.hpp"

#include <doctest/doctest.h>

#include <array>

namespace meridian::base {

TEST_SUITE("base/random") {
  TEST_CASE("the same seed gives the same draws") {
    Random left(42);
    Random right(42);
    for (int i = 0; i < 100; ++i) CHECK(left.next() == right.next());
  }

  TEST_CASE("below stays below its bound and reaches every value evenly") {
    Random random(1);
    std::array<int, 7> seen{};
    for (int i = 0; i < 70'000; ++i) {
      const auto value = random.below(7);
      REQUIRE(value < 7);
      ++seen[value];
    }
    // 10 000 expected; five standard deviations are 463.
    for (const int count : seen) {
      CHECK(count > 9'500);
      CHECK(count < 10'500);
    }
  }
}

}  // namespace meridian::base

#include "steering/spread.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

namespace meridian::steering {

TEST_SUITE("steering/spread") {
  TEST_CASE("the logarithm is within its stated error everywhere") {
    base::Random random(3);
    for (int i = 0; i < 200'000; ++i) {
      // Every magnitude alike, not only the numbers near 2^64.
      const std::uint64_t drawn = random.next() >> random.below(64);
      const double exact = 64.0 - std::log2(static_cast<double>(drawn | 1));
      const double ours = static_cast<double>(negative_log2(drawn)) / (1 << 24);
      CAPTURE(drawn);
      REQUIRE(std::abs(ours - exact) < 3e-6);
    }
    CHECK(negative_log2(~std::uint64_t{0}) >= 1);
    CHECK(negative_log2(0) == std::uint64_t{64} << 24);
  }

  TEST_CASE("draws of one client for different purposes are independent") {
    int both = 0;
    for (std::uint64_t client = 0; client < 40'000; ++client) {
      const DrawKey key{base::mix(client)};
      both += is_within(draw(key, 1), kWhole / 2) && is_within(draw(key, 2), kWhole / 2) ? 1 : 0;
    }
    // A quarter, within five standard deviations.
    CHECK(both > 9'560);
    CHECK(both < 10'440);
  }

  TEST_CASE("no share holds nobody and the whole everybody") {
    for (const std::uint64_t drawn : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
      CHECK_FALSE(is_within(drawn, 0));
      CHECK(is_within(drawn, kWhole));
    }
  }
}

}  // namespace meridian::steering

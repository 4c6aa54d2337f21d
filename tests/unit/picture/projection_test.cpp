#include "picture/projection.hpp"

#include <doctest/doctest.h>

namespace meridian::picture {

TEST_SUITE("picture/projection") {
  TEST_CASE("the projection is Natural Earth's, by points of its published table") {
    struct Row {
      const char* why;
      base::Coordinates at;
      double x;
      double y;
    };
    // Parallels by latitude, their length in parts of the equator's and their distance from it in parts of
    // the pole's (0.52 of half the equator): the table that the polynomial was fitted to, which leaves 1 %.
    constexpr double kHalf = 0.8707 * 3.14159265358979;
    const Row rows[] = {
        {"the middle", {0, 0}, 0, 0},
        {"the equator's end", {0, 180}, kHalf, 0},
        {"west is left", {0, -180}, -kHalf, 0},
        {"30 degrees north", {30, 180}, 0.9574 * kHalf, 0.3723 * 0.52 * kHalf},
        {"60 degrees south", {-60, 180}, 0.8196 * kHalf, -0.7346 * 0.52 * kHalf},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(project(row.at).x == doctest::Approx(row.x).epsilon(0.01));
      CHECK(project(row.at).y == doctest::Approx(row.y).epsilon(0.01));
    }
  }

  TEST_CASE("the projection is PROJ's natearth to the last digit") {
    // PROJ's own test: +proj=natearth +a=6400000, 2 degrees east, 1 degree north.
    const auto projected = project({1, 2});
    CHECK(projected.x * 6'400'000 == doctest::Approx(194'507.265257889).epsilon(1e-12));
    CHECK(projected.y * 6'400'000 == doctest::Approx(112'508.737358295).epsilon(1e-12));
  }
}

}  // namespace meridian::picture

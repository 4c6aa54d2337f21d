#include "geo/distance.hpp"

#include <doctest/doctest.h>

namespace meridian::geo {

TEST_SUITE("geo/distance") {
  TEST_CASE("known pairs of cities are as far apart as the great circle says") {
    struct Row {
      const char* why;
      base::Coordinates from;
      base::Coordinates to;
      double expected_km;
    };
    const Row rows[] = {
        {"Amsterdam to Frankfurt", {52.31, 4.76}, {50.03, 8.57}, 367},
        {"London to New York", {51.5074, -0.1278}, {40.7128, -74.0060}, 5'570},
        {"Sydney to Singapore", {-33.8688, 151.2093}, {1.3521, 103.8198}, 6'300},
        {"across the date line: Suva to Apia", {-18.1416, 178.4419}, {-13.8333, -171.7667}, 1'151},
        {"a quarter of the equator", {0, 0}, {0, 90}, 10'007.6},
        {"from pole to pole", {90, 0}, {-90, 123}, 20'015.1},
        {"antipodes off the axes", {52.3, 4.8}, {-52.3, -175.2}, 20'015.1},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(distance_km(row.from, row.to) == doctest::Approx(row.expected_km).epsilon(0.002));
      CHECK(distance_km(row.to, row.from) == doctest::Approx(distance_km(row.from, row.to)));
    }
  }

  TEST_CASE("a point is at no distance from itself, however its longitude is written") {
    CHECK(distance_km({52.31, 4.76}, {52.31, 4.76}) == 0.0);
    CHECK(distance_km({10, 180}, {10, -180}) < 1e-6);
    CHECK(distance_km({90, 17}, {90, -100}) < 1e-6);
  }

  TEST_CASE("a metre apart is told from nothing") {
    CHECK(distance_km({50, 8}, {50.00001, 8}) == doctest::Approx(0.00111).epsilon(0.01));
  }
}

}  // namespace meridian::geo

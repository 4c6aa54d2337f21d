#include "picture/palette.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace meridian::picture {
namespace {

using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>;

Vector apply(const Matrix& matrix, const Vector& vector) {
  Vector result{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) result[i] += matrix[i][j] * vector[j];
    result[i] = std::min(1.0, std::max(0.0, result[i]));
  }
  return result;
}

/// Linear light, 0 to 1.
Vector light_of(const std::string& colour) {
  Vector light{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double value = std::stoi(colour.substr(1 + 2 * i, 2), nullptr, 16) / 255.0;
    light[i] = value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  }
  return light;
}

/// CIELAB under D65.
Vector lab_of(const Vector& light) {
  const Matrix to_xyz{{{0.4124, 0.3576, 0.1805}, {0.2126, 0.7152, 0.0722}, {0.0193, 0.1192, 0.9505}}};
  const Vector white{0.9505, 1.0, 1.089};
  auto xyz = Vector{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) xyz[i] += to_xyz[i][j] * light[j];
    const double part = xyz[i] / white[i];
    xyz[i] = part > 0.008856 ? std::cbrt(part) : 7.787 * part + 16.0 / 116;
  }
  return {116 * xyz[1] - 16, 500 * (xyz[0] - xyz[1]), 200 * (xyz[1] - xyz[2])};
}

double distance(const Vector& left, const Vector& right) {
  return std::hypot(left[0] - right[0], left[1] - right[1], left[2] - right[2]);
}

struct Eyes {
  const char* what;
  Matrix sees;  // Machado, Oliveira and Fernandes 2009, severity 1, on linear light
  double least;
};

}  // namespace

TEST_SUITE("picture/palette") {
  TEST_CASE("the first colours can be told apart, also by who sees no red or no green") {
    const Eyes eyes[] = {
        {"all colours", {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}, 22},
        {"no red",
         {{{0.152286, 1.052583, -0.204868},
           {0.114503, 0.786281, 0.099216},
           {-0.003882, -0.048116, 1.051998}}},
         15},
        {"no green",
         {{{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}},
         15},
    };
    for (const auto& eye : eyes) {
      CAPTURE(eye.what);
      std::vector<Vector> seen{lab_of(apply(eye.sees, light_of(std::string{kLand}))),
                               lab_of(apply(eye.sees, light_of(std::string{kNobody})))};
      for (std::size_t i = 0; i < kDistinctColours; ++i) {
        CAPTURE(i);
        const auto colour = lab_of(apply(eye.sees, light_of(colour_of(i))));
        for (const auto& other : seen) CHECK(distance(colour, other) > eye.least);
        seen.push_back(colour);
      }
    }
  }

  TEST_CASE("no number has another's colour, and each always has the same") {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < 5 * kDistinctColours; ++i) {
      const auto colour = colour_of(i);
      CAPTURE(colour);
      CHECK(colour.size() == 7);
      CHECK(seen.insert(colour).second);
      CHECK(colour == colour_of(i));
    }
    CHECK(colour_of(0) == "#44aa99");
    CHECK(colour_of(1'000'000).size() == 7);
  }

  TEST_CASE("pale colours lie between the colour and plain land") {
    CHECK(pale("#332288", 1) == "#332288");
    CHECK(pale("#332288", 0) == kLand);
    CHECK(pale("#000000", 0.5) == "#6e7072");
  }
}

}  // namespace meridian::picture

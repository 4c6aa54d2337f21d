// How far apart two points of the earth are. Pure; meant for compiling maps, not for queries.
#pragma once

#include "base/coordinates.hpp"

namespace meridian::geo {

/// Great-circle distance in kilometres on the sphere with the earth's mean radius: at most 0.6 % off the
/// ellipsoid, far below what a GeoIP record's coordinates are worth. A few dozen ns.
[[nodiscard]] double distance_km(const base::Coordinates& from, const base::Coordinates& to) noexcept;

/// A point on the unit sphere, for comparing many distances.
struct UnitVector {
  double x = 0;
  double y = 0;
  double z = 0;
};

[[nodiscard]] UnitVector unit_vector(const base::Coordinates& at) noexcept;

/// The square of the straight line between two points, 0 to 4: larger where the great-circle distance is
/// larger. Without an angle's cosine, which is 1 for all that is close together.
[[nodiscard]] constexpr double squared_chord(const UnitVector& left, const UnitVector& right) noexcept {
  const double x = left.x - right.x;
  const double y = left.y - right.y;
  const double z = left.z - right.z;
  return x * x + y * y + z * z;
}

}  // namespace meridian::geo

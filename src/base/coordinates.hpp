// A point on the earth.
#pragma once

#include <compare>

namespace meridian::base {

/// Degrees; latitude −90 to 90, longitude −180 to 180.
struct Coordinates {
  double latitude = 0;
  double longitude = 0;

  friend auto operator<=>(const Coordinates&, const Coordinates&) = default;
};

}  // namespace meridian::base

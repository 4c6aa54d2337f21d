// The world on a flat page: the Natural Earth projection.
//
// By Tom Patterson, with the polynomial of Šavrič, Jenny, Patterson, Petrovič and Hurni ("A polynomial
// equation for the Natural Earth projection", Cartography and Geographic Information Science 38(4), 2011). It
// keeps neither angles nor areas, but neither blows up the north as Mercator does. Pure.
#pragma once

#include "base/coordinates.hpp"

namespace meridian::picture {

/// x to the right and y upwards, in radii of the globe; the equator's middle is 0, 0.
struct Projected {
  double x = 0;
  double y = 0;
};

[[nodiscard]] Projected project(const base::Coordinates& at) noexcept;

}  // namespace meridian::picture

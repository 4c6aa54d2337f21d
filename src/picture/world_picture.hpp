// A map of the world as SVG: countries in colours or stripes, markers, a legend.
//
// Knows colours and texts, not what they mean. The picture stands alone: no scripts, fonts or files from
// elsewhere, its own background. Each country has a <title>, which browsers show as a tooltip.
#pragma once

#include "base/coordinates.hpp"
#include "geo/outlines.hpp"
#include "geo/places.hpp"

#include <string>
#include <vector>

namespace meridian::picture {

struct Stripe {
  std::string colour;
  double part = 1;
};

struct Area {
  std::string country;  ///< code
  std::string title;
  std::string first;            ///< kept as `data-first`, for who reads the picture with a program
  std::vector<Stripe> stripes;  ///< parts sum to 1; one alone is a plain colour
};

struct Marker {
  std::string name;
  base::Coordinates at;
  std::string colour;
};

struct LegendLine {
  std::vector<std::string> colours;  ///< side by side; none: text alone
  std::string text;
};

struct WorldPicture {
  std::string title;
  std::string description;
  std::vector<Area> areas;  ///< a country that has none is plain land
  std::vector<Marker> markers;
  std::vector<LegendLine> legend;
};

/// Stripes below this part of a country cannot be seen and are left to the others.
inline constexpr double kStripePartMin = 0.01;

[[nodiscard]] std::string to_svg(const WorldPicture& picture, const geo::Outlines& outlines,
                                 const geo::Places& places);

}  // namespace meridian::picture

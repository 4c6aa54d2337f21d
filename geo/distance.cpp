#include "geo/distance.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace meridian::geo {
namespace {

/// Mean radius R1 of the WGS 84 ellipsoid.
constexpr double kEarthRadiusKm = 6371.0088;

double radians(double degrees) noexcept { return degrees * std::numbers::pi / 180; }

}  // namespace

double distance_km(const base::Coordinates& from, const base::Coordinates& to) noexcept {
  const double half_latitude = std::sin(radians(to.latitude - from.latitude) / 2);
  const double half_longitude = std::sin(radians(to.longitude - from.longitude) / 2);
  // Haversine: unlike the law of cosines it stays exact for points close together.
  const double haversine = half_latitude * half_latitude + std::cos(radians(from.latitude)) *
                                                               std::cos(radians(to.latitude)) *
                                                               half_longitude * half_longitude;
  // Rounding can take antipodes a hair past 1, where asin is undefined.
  return 2 * kEarthRadiusKm * std::asin(std::sqrt(std::min(1.0, haversine)));
}

UnitVector unit_vector(const base::Coordinates& at) noexcept {
  const double latitude = radians(at.latitude);
  const double longitude = radians(at.longitude);
  const double parallel = std::cos(latitude);
  return {parallel * std::cos(longitude), parallel * std::sin(longitude), std::sin(latitude)};
}

}  // namespace meridian::geo

#include "picture/projection.hpp"

#include <numbers>

namespace meridian::picture {

Projected project(const base::Coordinates& at) noexcept {
  constexpr double kRadians = std::numbers::pi / 180;
  const double longitude = at.longitude * kRadians;
  const double latitude = at.latitude * kRadians;
  const double square = latitude * latitude;
  const double fourth = square * square;
  return {longitude * (0.8707 - 0.131979 * square +
                       fourth * (-0.013791 + fourth * (0.003971 * square - 0.001529 * fourth))),
          latitude * (1.007226 +
                      square * (0.015085 + fourth * (-0.044475 + 0.028874 * square - 0.005916 * fourth)))};
}

}  // namespace meridian::picture

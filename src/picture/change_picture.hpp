// A plan as a picture: what moves of each country, in the colour of where it goes; what stays is pale.
#pragma once

#include "picture/sites.hpp"
#include "picture/world_picture.hpp"
#include "plan/compare.hpp"

namespace meridian::picture {

/// Of a comparison that was made with Options::by_country.
[[nodiscard]] WorldPicture picture_of(const plan::Comparison& comparison, const Sites& sites);

}  // namespace meridian::picture

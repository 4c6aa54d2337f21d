// A survey as a picture: each country in the colour of the datacenter that its clients go to first.
#pragma once

#include "picture/sites.hpp"
#include "picture/world_picture.hpp"
#include "plan/survey.hpp"

namespace meridian::picture {

[[nodiscard]] WorldPicture picture_of(const plan::Survey& survey, const Sites& sites);

}  // namespace meridian::picture

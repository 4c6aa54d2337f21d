// Pictures into files, for the commands that draw.
#pragma once

#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "config/compile/compile.hpp"
#include "geo/places.hpp"
#include "picture/world_picture.hpp"

#include <string>

namespace meridian::meridianctl {

/// Writes the picture as SVG, with the outlines of the data folder.
[[nodiscard]] base::Expected<void, base::Diagnostics> draw(const std::string& path,
                                                           const picture::WorldPicture& picture,
                                                           const compile::Sources& sources,
                                                           const geo::Places& places);

}  // namespace meridian::meridianctl

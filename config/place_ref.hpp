// Places as operators write them: `DE`, `US-CA`, `continent:EU`, `m49:009`, `AS3320`, `city:DE/Munich`,
// networks, `everyone`, regions. Forms only: whether a code or a region exists is known to config/compile.
#pragma once

#include "base/expected.hpp"
#include "config/model.hpp"

#include <string>
#include <string_view>

namespace meridian::config {

/// `where` of the result is empty. The error says what would be right.
[[nodiscard]] base::Expected<PlaceRef, std::string> parse_place(std::string_view text);

/// A region's member: a place, or `not` and a place.
[[nodiscard]] base::Expected<PlaceRef, std::string> parse_region_member(std::string_view text);

/// Why no region can have this name, or "" when one can: it reads as a code or as a keyword.
[[nodiscard]] std::string find_name_clash(std::string_view region_name);

/// The place as it would be written, codes in upper case: for messages and for comparing.
[[nodiscard]] std::string to_string(const PlaceRef& place);

}  // namespace meridian::config

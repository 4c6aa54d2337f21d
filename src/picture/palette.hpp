// Colours of datacenters, as "#rrggbb". Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace meridian::picture {

/// Land that nobody asks from.
inline constexpr std::string_view kLand = "#dcdfe3";
/// Clients that get no address.
inline constexpr std::string_view kNobody = "#1a1a1a";

/// The colour of the datacenter of this number; always the same. The first kDistinctColours can be told apart
/// also by who sees no red or no green; after them the same hues come again, darker and lighter.
[[nodiscard]] std::string colour_of(std::size_t number);
inline constexpr std::size_t kDistinctColours = 9;

/// `strength` of this colour, 0 to 1, and the rest of land.
[[nodiscard]] std::string pale(std::string_view colour, double strength);

}  // namespace meridian::picture

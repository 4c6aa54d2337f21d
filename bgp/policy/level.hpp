// How much of the world a site asks for: the words of the route policy.
#pragma once

#include <cstdint>
#include <string_view>

namespace meridian::policy {

/// In this order: a lower level asks for less.
enum class Level : std::uint8_t {
  Withdraw,      ///< no route
  DePreference,  ///< a route that every other site's beats: 65535:0 (RFC 8326), a longer path
  Announce,
};

[[nodiscard]] constexpr std::string_view to_string(Level level) noexcept {
  switch (level) {
    case Level::Withdraw:
      return "withdraw";
    case Level::DePreference:
      return "de-preference";
    case Level::Announce:
      return "announce";
  }
  return "";
}

}  // namespace meridian::policy

// BGP communities: labels of a route that other networks act on. Plain values, any thread.
//
// Numbers only, never names: in a command for ExaBGP the name `graceful-shutdown` ends it.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meridian::base {

/// `65535:0` (RFC 1997).
struct Community {
  std::uint16_t high = 0;
  std::uint16_t low = 0;
  friend auto operator<=>(const Community&, const Community&) = default;
};

/// `65101:1:2` (RFC 8092).
struct LargeCommunity {
  std::uint32_t administrator = 0;
  std::uint32_t data1 = 0;
  std::uint32_t data2 = 0;
  friend auto operator<=>(const LargeCommunity&, const LargeCommunity&) = default;
};

/// Asks a network to prefer any other way (RFC 8326).
inline constexpr Community kGracefulShutdown{65'535, 0};

[[nodiscard]] std::string to_string(const Community& community);
[[nodiscard]] std::string to_string(const LargeCommunity& community);

/// The numbers with a colon between, and nothing else.
[[nodiscard]] std::optional<Community> parse_community(std::string_view text) noexcept;
[[nodiscard]] std::optional<LargeCommunity> parse_large_community(std::string_view text) noexcept;

}  // namespace meridian::base

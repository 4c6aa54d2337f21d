// Points in time as people read them: ISO 8601 in UTC, which sorts as text.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace meridian::base {

using WallTime = std::chrono::system_clock::time_point;

/// "2026-11-27T03:04:05Z"
[[nodiscard]] std::string to_utc(WallTime time);
/// "2026-11-27T03:04:05.678Z"
[[nodiscard]] std::string to_utc_ms(WallTime time);

/// Either of the above, and what people write: "2026-11-27T03:04Z", "2026-11-27 03:04", with or without the
/// Z. Nothing for what is no date, or none between 1970 and 9999.
[[nodiscard]] std::optional<WallTime> parse_utc(std::string_view text) noexcept;

}  // namespace meridian::base

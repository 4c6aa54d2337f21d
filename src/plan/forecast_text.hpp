// A forecast told: for people in tables, and for programs as JSON.
#pragma once

#include "plan/forecast.hpp"

#include <string>

namespace meridian::plan {

/// `unit` is that of the demand files ("queries a second"), or empty.
[[nodiscard]] std::string to_text(const Forecast& forecast, const std::string& unit);

/// One JSON object on one line, nothing cut. docs/anycast.md lists the keys.
[[nodiscard]] std::string to_json(const Forecast& forecast, const std::string& unit);

}  // namespace meridian::plan

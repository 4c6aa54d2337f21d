// A survey told: for people in tables, and for programs as JSON.
#pragma once

#include "plan/survey.hpp"

#include <span>
#include <string>

namespace meridian::plan {

/// "ams", "ams 70.0 %, iad 30.0 %".
[[nodiscard]] std::string first_text(const Order& order);
/// "iad, sin"; a dash where nobody stands ready.
[[nodiscard]] std::string then_text(const Order& order);
/// "DE Germany", "(unknown)".
[[nodiscard]] std::string place_text(const std::string& code, const std::string& name);

/// Tables, most important first. Long ones are cut and say so.
[[nodiscard]] std::string to_text(const Survey& survey);

/// One JSON object on one line, nothing cut. docs/map-show.md lists the keys.
[[nodiscard]] std::string to_json(std::span<const Survey> surveys);

}  // namespace meridian::plan

// A comparison told: for people in lines, most important first, and for programs as JSON.
#pragma once

#include "plan/compare.hpp"

#include <span>
#include <string>

namespace meridian::plan {

/// Empty when nothing changes and no gate failed.
[[nodiscard]] std::string to_text(const Comparison& comparison, std::span<const std::string> failed_gates);

/// One JSON object on one line, with every key whether anything changes or not. docs/plan.md lists the keys.
[[nodiscard]] std::string to_json(const Comparison& comparison, std::span<const std::string> failed_gates);

}  // namespace meridian::plan

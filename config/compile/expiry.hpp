// Rules with a last day: `until`. A map is compiled as if those whose day is over were not there.
#pragma once

#include "base/diagnostics.hpp"
#include "config/model.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace meridian::compile {

/// 2027-03-01
[[nodiscard]] std::string to_date(std::chrono::sys_days day);

/// Takes rules out of `model` that ended before `now` (in UTC), and warns of them and of those that end
/// within limits::kUntilWarningDays. The result is when the next rule ends, after which the map must be
/// compiled again; nullopt: never.
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> drop_ended_rules(
    config::MapDirectory& model, std::chrono::system_clock::time_point now, base::Diagnostics& warnings);

}  // namespace meridian::compile

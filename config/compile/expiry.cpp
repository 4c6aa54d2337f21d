#include "config/compile/expiry.hpp"

#include "base/limits.hpp"
#include "config/place_ref.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace meridian::compile {
namespace {

using Clock = std::chrono::system_clock;

std::string days_text(std::chrono::days days) {
  if (days.count() == 0) return "today";
  return days.count() == 1 ? "tomorrow" : fmt::format("in {} days", days.count());
}

}  // namespace

std::string to_date(std::chrono::sys_days day) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(Clock::to_time_t(day)));
}

std::optional<Clock::time_point> drop_ended_rules(config::MapDirectory& model, Clock::time_point now,
                                                  base::Diagnostics& warnings) {
  const auto today = std::chrono::floor<std::chrono::days>(now);
  std::optional<Clock::time_point> next;
  const auto has_ended = [&](const config::Rule& rule) {
    if (!rule.until) return false;
    const auto what = fmt::format("the rule for {}", config::to_string(rule.place));
    if (*rule.until < today) {
      warnings.warning(
          rule.where, fmt::format("{} ended with {} and is left out; delete it", what, to_date(*rule.until)));
      return true;
    }
    const Clock::time_point end = *rule.until + std::chrono::days{1};
    next = next ? std::min(*next, end) : end;
    const std::chrono::days left = *rule.until - today;
    if (left <= std::chrono::days{base::limits::kUntilWarningDays}) {
      warnings.warning(rule.where, fmt::format("{} ends with {}, {}; give it a later day if it is to stay",
                                               what, to_date(*rule.until), days_text(left)));
    }
    return false;
  };
  for (auto& map : model.maps) {
    std::erase_if(map.rules, has_ended);
    std::erase_if(map.resolvers, has_ended);
  }
  return next;
}

}  // namespace meridian::compile

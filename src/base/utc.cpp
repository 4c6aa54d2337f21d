#include "base/utc.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdint>

namespace meridian::base {
namespace {

using namespace std::chrono;

/// Exactly `digits` digits from the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t digits) noexcept {
  if (text.size() < digits) return std::nullopt;
  unsigned number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + digits, number);
  if (problem != std::errc{} || end != text.data() + digits) return std::nullopt;
  text.remove_prefix(digits);
  return static_cast<int>(number);
}

bool take(std::string_view& text, std::string_view any_of) noexcept {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<sys_days> take_date(std::string_view& text) noexcept {
  const auto year_number = take_number(text, 4);
  if (!year_number || *year_number < 1970 || !take(text, "-")) return std::nullopt;
  const auto month_number = take_number(text, 2);
  if (!month_number || !take(text, "-")) return std::nullopt;
  const auto day_number = take_number(text, 2);
  if (!day_number) return std::nullopt;
  const year_month_day date{year{*year_number}, month{static_cast<unsigned>(*month_number)},
                            day{static_cast<unsigned>(*day_number)}};
  if (!date.ok()) return std::nullopt;
  return sys_days{date};
}

}  // namespace

std::string to_utc(WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(floor<seconds>(time)));
}

std::string to_utc_ms(WallTime time) {
  const auto whole = floor<seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(whole),
                     duration_cast<milliseconds>(time - whole).count());
}

std::optional<WallTime> parse_utc(std::string_view text) noexcept {
  const auto date = take_date(text);
  if (!date || !take(text, "T ")) return std::nullopt;
  const auto hour_number = take_number(text, 2);
  if (!hour_number || *hour_number > 23 || !take(text, ":")) return std::nullopt;
  const auto minute_number = take_number(text, 2);
  if (!minute_number || *minute_number > 59) return std::nullopt;
  auto time = *date + hours{*hour_number} + minutes{*minute_number} + milliseconds{0};
  if (take(text, ":")) {
    const auto second_number = take_number(text, 2);
    if (!second_number || *second_number > 59) return std::nullopt;
    time += seconds{*second_number};
    if (take(text, ".")) {
      const auto milli_number = take_number(text, 3);
      if (!milli_number) return std::nullopt;
      time += milliseconds{*milli_number};
    }
  }
  take(text, "Z");
  if (!text.empty()) return std::nullopt;
  return time_point_cast<WallTime::duration>(time);
}

}  // namespace meridian::base

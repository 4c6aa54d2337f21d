#include "plan/amount_text.hpp"

#include <fmt/format.h>

#include <cstddef>

namespace meridian::plan {

std::string grouped(double count) {
  if (count > 0 && count < 0.5) return "<1";
  const auto digits = fmt::format("{:.0f}", count);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string percent(double share) {
  const double value = share * 100;
  if (value > 0 && value < 0.05) return "<0.1 %";
  // What is not all must not be rounded to look like all.
  if (value < 100 && value >= 99.95) return ">99.9 %";
  return fmt::format("{:.1f} %", value);
}

std::string parts_text(const Amount& amount, const Amount& whole, bool has_demand) {
  auto text = fmt::format("{} of IPv4, {} of IPv6", percent(part_of(amount.v4, whole.v4)),
                          percent(part_of(amount.v6, whole.v6)));
  if (has_demand) text += fmt::format(", {} of demand", percent(part_of(amount.demand, whole.demand)));
  return text;
}

std::string space_text(const Amount& amount) {
  const auto v4 = fmt::format("{} IPv4 address{}", grouped(amount.v4), amount.v4 == 1 ? "" : "es");
  const auto v6 = fmt::format("{} IPv6 /48{}", grouped(amount.v6), amount.v6 == 1 ? "" : "s");
  if (amount.v6 == 0) return v4;
  return amount.v4 == 0 ? v6 : v4 + " and " + v6;
}

}  // namespace meridian::plan

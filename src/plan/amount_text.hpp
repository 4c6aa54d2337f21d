// Amounts in words and figures, as messages and reports write them.
#pragma once

#include "plan/amount.hpp"

#include <string>

namespace meridian::plan {

/// "1,234,567"; a part of one is told as "<1", and more digits than a double knows are none.
[[nodiscard]] std::string grouped(double count);

/// "4.1 %", "<0.1 %".
[[nodiscard]] std::string percent(double share);

/// "4.1 % of IPv4, 3.9 % of IPv6", and "4.4 % of demand" where it was counted.
[[nodiscard]] std::string parts_text(const Amount& amount, const Amount& whole, bool has_demand);

/// "256 IPv4 addresses and 16 IPv6 /48s", without the part that is 0.
[[nodiscard]] std::string space_text(const Amount& amount);

}  // namespace meridian::plan

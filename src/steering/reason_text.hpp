// The words for a choice's reason, as explain and the query log write them.
#pragma once

#include "steering/choose.hpp"

#include <string_view>

namespace meridian::steering {

[[nodiscard]] constexpr std::string_view to_string(Reason reason) noexcept {
  switch (reason) {
    case Reason::Preferred:
      return "preferred";
    case Reason::Fallback:
      return "fallback";
    case Reason::AllDown:
      return "all_down";
    case Reason::LowCapacity:
      return "low_capacity";
    case Reason::Nobody:
      return "nobody";
  }
  return "";
}

}  // namespace meridian::steering

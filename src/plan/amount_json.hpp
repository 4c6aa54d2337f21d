// An amount as the JSON of reports has it.
#pragma once

#include "plan/amount.hpp"

#include <boost/json/object.hpp>

namespace meridian::plan {

/// `ipv4`, `ipv6_48s` and, only where it was counted, `demand`.
[[nodiscard]] inline boost::json::object amount_json(const Amount& amount, bool has_demand) {
  boost::json::object object{{"ipv4", amount.v4}, {"ipv6_48s", amount.v6}};
  if (has_demand) object["demand"] = amount.demand;
  return object;
}

}  // namespace meridian::plan

// How wide the stripes of a country are.
#pragma once

#include "plan/amount.hpp"

namespace meridian::picture {

/// The part of a country's IPv4 addresses; of its /48s where it has none, and of its demand where it has
/// neither.
[[nodiscard]] inline double stripe_part(const plan::Amount& part, const plan::Amount& country) noexcept {
  if (country.v4 > 0) return plan::part_of(part.v4, country.v4);
  return country.v6 > 0 ? plan::part_of(part.v6, country.v6) : plan::part_of(part.demand, country.demand);
}

}  // namespace meridian::picture

// What a GeoIP record says of an address, whatever the layout of the file it came from. Plain values.
#pragma once

#include "base/coordinates.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace meridian::geo {

/// Empty strings and zeros mean "the record does not say".
struct Place {
  std::string continent;          ///< two letters, upper case: EU
  std::string country;            ///< ISO 3166-1 alpha-2, upper case: DE
  std::string outer_subdivision;  ///< ISO 3166-2 code, upper case: GB-ENG
  std::string inner_subdivision;  ///< inside the outer one, where the database has two levels: GB-LND
  std::string city;               ///< English name
  std::uint32_t geoname_id = 0;   ///< of the city
  std::optional<base::Coordinates> at;
  std::uint32_t as_number = 0;
  std::string as_name;

  friend auto operator<=>(const Place&, const Place&) = default;
};

}  // namespace meridian::geo

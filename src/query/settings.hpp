// What the site file says that changes how a query is answered. Part of a snapshot, so that one reload
// changes all of it at once.
#pragma once

#include "query/rate_limit.hpp"

#include <cstdint>
#include <vector>

namespace meridian::query {

struct Settings {
  std::vector<std::uint8_t> nsid;  ///< The site's name for RFC 5001; empty: not told.
  RateLimits rate_limits;
  /// Answers of class CH: each a TXT record's rdata with its lengths in front; empty: refused.
  std::vector<std::uint8_t> identity_name;
  std::vector<std::uint8_t> identity_version;
};

}  // namespace meridian::query

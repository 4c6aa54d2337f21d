// What the site file says that changes how a query is answered. Part of a snapshot, so that one reload
// changes all of it at once.
#pragma once

#include "base/limits.hpp"
#include "dns/cookie.hpp"
#include "query/rate_limit.hpp"

#include <cstdint>
#include <vector>

namespace meridian::query {

struct Settings {
  std::vector<std::uint8_t> nsid;  ///< The site's name for RFC 5001; empty: not told.
  RateLimits rate_limits;
  dns::CookieSecrets cookie_secrets;  ///< None: cookies are off.
  bool cookies_required = false;  ///< Over UDP, only for clients with a valid server cookie; needs secrets.
  bool answer_cache = true;       ///< Answers that repeat come from the AnswerCache.
  std::uint32_t tcp_idle_ms = base::limits::kTcpIdleMs;  ///< What net/ grants, told to who asks (RFC 7828).
  /// Answers of class CH: each a TXT record's rdata with its lengths in front; empty: refused.
  std::vector<std::uint8_t> identity_name;
  std::vector<std::uint8_t> identity_version;
};

}  // namespace meridian::query

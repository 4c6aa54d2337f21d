// The site file's part of a snapshot: what it says that changes answers, in the form the hot path reads.
#pragma once

#include "config/model.hpp"
#include "query/settings.hpp"

namespace meridian::compile {

/// Cannot fail: whatever a site file can get wrong was told when it was parsed.
/// `own_secret` signs cookies where the site file has no secret; it must stay the same from reload to reload.
[[nodiscard]] query::Settings compile_settings(const config::Site& site, const dns::CookieSecret& own_secret);

}  // namespace meridian::compile

// Configuration for BIRD 2: what the neighbours of a site need, and the router on the site's own host.
#pragma once

#include "bgp/router_config/settings.hpp"

#include <string>

namespace meridian::bgp {

/// What the router of this neighbour includes: the session, and a filter that takes the site's prefixes
/// alone.
[[nodiscard]] std::string bird_router_config(const Settings& settings, const Session& session);

/// The whole bird.conf of the site's own BIRD, between ExaBGP and the neighbours. For a site with a local
/// router.
[[nodiscard]] std::string bird_site_config(const Settings& settings);

}  // namespace meridian::bgp

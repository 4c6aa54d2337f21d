// Configuration for FRR 8: what the neighbours of a site need, and the router on the site's own host.
#pragma once

#include "bgp/router_config/settings.hpp"

#include <string>

namespace meridian::bgp {

/// What the router of this neighbour adds to its configuration: the session, and a route map that takes the
/// site's prefixes alone.
[[nodiscard]] std::string frr_router_config(const Settings& settings, const Session& session);

/// The site's own FRR, between ExaBGP and the neighbours. For a site with a local router.
[[nodiscard]] std::string frr_site_config(const Settings& settings);

}  // namespace meridian::bgp

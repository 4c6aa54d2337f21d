// exabgp.conf of a site, for ExaBGP 4.2: its sessions, and the bridge as its one process.
#pragma once

#include "bgp/router_config/settings.hpp"

#include <string>

namespace meridian::bgp {

/// The sessions with the neighbours, or those with the router on this host.
[[nodiscard]] std::string exabgp_config(const Settings& settings);

}  // namespace meridian::bgp

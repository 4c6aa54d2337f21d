// What a new site file changes in the parts that run beside the epoch: listeners, and what is watched. What
// cannot change while the server runs is told as a warning.
#pragma once

#include "config/model.hpp"
#include "control/reloader.hpp"
#include "net/server.hpp"

#include <functional>
#include <vector>

namespace meridian::meridiand {

[[nodiscard]] std::vector<net::ListenAddress> listen_addresses(const config::Site& site);
[[nodiscard]] std::vector<net::ProxyListen> proxy_listens(const config::Site& site);
[[nodiscard]] net::TcpLimits tcp_limits(const config::Site& site);

/// What each reload does beside publishing. `started` is the site file the server was started with; `server`
/// outlives the result; no address is added while `is_upgrading`;
/// `committed` is called on the builder thread once everything is in place.
[[nodiscard]] control::Prepare site_changes(const config::Site& started, net::Server& server,
                                            std::function<bool()> is_upgrading,
                                            std::function<void()> committed);

}  // namespace meridian::meridiand

// Levels as routes: what each neighbour is to be sent. A pure function of the site file and the levels.
#pragma once

#include "bgp/link/link.hpp"
#include "bgp/policy/level.hpp"
#include "config/anycast.hpp"

#include <cstdint>
#include <vector>

namespace meridian::agent {

/// MED of a de-preferred route, which others have none of. It moves few, and never more than those do.
inline constexpr std::uint32_t kDePreferenceMed = 1'000;

/// One route for each VIP and covering prefix and each neighbour of its family; a level for each VIP, in
/// their order. A route's key never depends on its level, so that another level is an update and not a
/// withdrawal.
///
/// With a local router the one session is to that one, and the routes are for whoever it is (`*`). It gets no
/// longer path, in which it would find its own number and drop the route, and no neighbour's communities:
/// its configuration makes both of 65535:0.
[[nodiscard]] std::vector<bgp::Route> wanted_routes(const config::Anycast& anycast,
                                                    const std::vector<policy::Level>& levels);

}  // namespace meridian::agent

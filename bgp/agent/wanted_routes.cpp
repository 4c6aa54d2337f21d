#include "bgp/agent/wanted_routes.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace meridian::agent {
namespace {

void de_preference(bgp::Attributes& attributes) {
  attributes.med = kDePreferenceMed;
  attributes.communities.push_back(base::kGracefulShutdown);
}

bgp::Attributes attributes_for(const config::Anycast& anycast, const config::AnycastNeighbor& neighbor,
                               policy::Level level) {
  bgp::Attributes attributes;
  // A route to withdraw has those of an announcement: whatever it had last, the bridge knows.
  if (level != policy::Level::DePreference) return attributes;
  de_preference(attributes);
  for (const auto& community : neighbor.drain_communities) {
    if (community != base::kGracefulShutdown) attributes.communities.push_back(community);
  }
  attributes.large_communities = neighbor.drain_large_communities;
  // A router of our own system drops a path that has our number in it (RFC 4271 9.1.2), and the route with
  // it.
  if (neighbor.as == anycast.as) return attributes;
  // ExaBGP adds nothing to a path that is given: our number once, as always, and so often more.
  if (anycast.prepend > 0) attributes.as_path.assign(anycast.prepend + 1U, anycast.as);
  return attributes;
}

class Routes {
 public:
  explicit Routes(const config::Anycast& anycast) : anycast_(anycast) {}

  void add(const base::IpPrefix& prefix, policy::Level level) {
    if (anycast_.has_local_router) return add_for_local_router(prefix, level);
    for (const auto& neighbor : anycast_.neighbors) {
      if (neighbor.address.family == prefix.address.family)
        push({neighbor.address, prefix}, level, attributes_for(anycast_, neighbor, level));
    }
  }

  [[nodiscard]] std::vector<bgp::Route> take() { return std::move(routes_); }

 private:
  void add_for_local_router(const base::IpPrefix& prefix, policy::Level level) {
    const auto is_same = [&](const config::AnycastNeighbor& neighbor) {
      return neighbor.local.family == prefix.address.family;
    };
    const auto neighbor = std::find_if(anycast_.neighbors.begin(), anycast_.neighbors.end(), is_same);
    if (neighbor == anycast_.neighbors.end()) return;
    bgp::Attributes attributes;
    // `self` would be the loopback address that the session has.
    attributes.next_hop = neighbor->local;
    if (level == policy::Level::DePreference) de_preference(attributes);
    push({std::nullopt, prefix}, level, std::move(attributes));
  }

  void push(bgp::RouteKey key, policy::Level level, bgp::Attributes attributes) {
    // A covering prefix may stand twice in the site file; the bridge would refuse the whole message.
    const auto is_same = [&](const bgp::Route& route) { return route.key == key; };
    if (std::any_of(routes_.begin(), routes_.end(), is_same)) return;
    const auto said = level == policy::Level::Withdraw ? bgp::Level::Withdraw : bgp::Level::Announce;
    routes_.push_back({key, said, std::move(attributes)});
  }

  const config::Anycast& anycast_;
  std::vector<bgp::Route> routes_;
};

}  // namespace

std::vector<bgp::Route> wanted_routes(const config::Anycast& anycast,
                                      const std::vector<policy::Level>& levels) {
  MERIDIAN_ASSERT(levels.size() == anycast.vips.size());
  Routes routes(anycast);
  for (std::size_t i = 0; i < levels.size(); ++i) routes.add(anycast.vips[i].prefix, levels[i]);
  for (const auto& prefix : anycast.covering) routes.add(prefix, policy::Level::Announce);
  return routes.take();
}

}  // namespace meridian::agent

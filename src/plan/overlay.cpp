#include "plan/overlay.hpp"

#include <utility>
#include <vector>

namespace meridian::plan {
namespace {

using Networks = std::vector<std::pair<base::IpPrefix, std::uint32_t>>;

void add(std::span<const base::IpPrefix> prefixes, base::Family family, std::uint32_t mark,
         Networks& networks) {
  for (const auto& prefix : prefixes) {
    if (prefix.address.family == family) networks.emplace_back(prefix, mark);
  }
}

geo::PrefixTree carrier_tree(base::Family family) {
  Networks networks;
  add(base::carrier_networks(), family, kCarrier, networks);
  add(base::private_networks(), family, 0, networks);  // ::1 lies inside ::/96 and is asked for as it is
  return geo::build_prefix_tree(family, networks, 0);
}

geo::PrefixTree private_tree(base::Family family, const query::SteeringMap& map, OverlayMark mark) {
  Networks networks;
  add(map.unnamed_private, family, mark, networks);
  return geo::build_prefix_tree(family, networks, 0);
}

}  // namespace

geo::PrefixTree mark_overlay(base::Family family, const MapView& old, const MapView& now) {
  const auto carriers = carrier_tree(family);
  const auto old_private = private_tree(family, *old.map, kOldPrivate);
  const auto new_private = private_tree(family, *now.map, kNewPrivate);
  const geo::PrefixTree* const trees[] = {&carriers, &old_private, &new_private,
                                          &old.rules->rules.network_tree(family),
                                          &now.rules->rules.network_tree(family)};
  return geo::combine(trees, [](std::span<const std::uint32_t> values, const base::IpPrefix&) {
    const bool is_named = values[3] != 0 || values[4] != 0;
    return values[0] | values[1] | values[2] | (is_named ? std::uint32_t{kNamed} : 0);
  });
}

}  // namespace meridian::plan

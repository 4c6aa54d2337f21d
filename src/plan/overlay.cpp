#include "plan/overlay.hpp"

#include <algorithm>
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

geo::PrefixTree private_tree(base::Family family, const query::SteeringMap& map, std::uint32_t mark) {
  Networks networks;
  add(map.unnamed_private, family, mark, networks);
  return geo::build_prefix_tree(family, networks, 0);
}

/// resolver_tiers() has what private space gets.
geo::PrefixTree private_tree(base::Family family, const MapView& view, OverlayMark mark) {
  return view.as_resolvers ? geo::PrefixTree{family, 0} : private_tree(family, *view.map, mark);
}

/// The networks that rules of this map name.
void append_named(base::Family family, const MapView& view, std::vector<geo::TreeView>& trees) {
  trees.push_back(&view.rules->rules.network_tree(family));
  if (view.as_resolvers && view.rules->resolvers)
    trees.push_back(&view.rules->resolvers->network_tree(family));
}

}  // namespace

geo::PrefixTree resolver_tiers(base::Family family, const query::SteeringMap& map) {
  const auto in_private = private_tree(family, map, 1);
  const geo::TreeView trees[] = {&map.resolver_tree(family), &in_private, &map.tree(family)};
  return geo::combine(trees, [&](std::span<const std::uint32_t> values, const base::IpPrefix&) {
    if (values[0] != query::kNoResolverRule) return values[0] - 1;
    return values[1] != 0 ? static_cast<std::uint32_t>(base::index_of(map.unknown)) : values[2];
  });
}

geo::PrefixTree mark_overlay(base::Family family, const MapView& old, const MapView& now) {
  const auto carriers = carrier_tree(family);
  const auto old_private = private_tree(family, old, kOldPrivate);
  const auto new_private = private_tree(family, now, kNewPrivate);
  std::vector<geo::TreeView> trees{&carriers, &old_private, &new_private};
  append_named(family, old, trees);
  append_named(family, now, trees);
  return geo::combine(trees, [](std::span<const std::uint32_t> values, const base::IpPrefix&) {
    const auto named = values.subspan(3);
    const bool is_named = std::any_of(named.begin(), named.end(), [](std::uint32_t id) { return id != 0; });
    return values[0] | values[1] | values[2] | (is_named ? std::uint32_t{kNamed} : 0);
  });
}

}  // namespace meridian::plan

#include "plan/place_sets.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace meridian::plan {
namespace {

void collect_networks(const std::vector<compile::Atom>& atoms, base::Family family,
                      std::set<base::IpPrefix>& networks) {
  for (const auto& atom : atoms) {
    const auto& place = atom.place;
    if (place.kind == config::PlaceRef::Kind::Network && place.network.address.family == family)
      networks.insert(place.network);
    collect_networks(atom.except, family, networks);
  }
}

}  // namespace

PlaceSets::PlaceSets(std::vector<const std::vector<compile::Atom>*> wanted, base::Family family,
                     const geo::GeoDatabase& database, const geo::Places& places)
    : wanted_(std::move(wanted)),
      family_(family),
      database_(database),
      places_(places),
      network_tree_(family, 0) {
  std::set<base::IpPrefix> networks;
  for (const auto* atoms : wanted_) collect_networks(*atoms, family, networks);
  networks_.assign(networks.begin(), networks.end());
  std::vector<std::pair<base::IpPrefix, std::uint32_t>> values;
  for (const auto& network : networks_)
    values.emplace_back(network, static_cast<std::uint32_t>(values.size() + 1));
  network_tree_ = geo::build_prefix_tree(family, values, 0);
}

void PlaceSets::append_trees(Trees& trees) const {
  trees.push_back(&network_tree_);
  const auto sources = database_.sources(family_);
  trees.insert(trees.end(), sources.begin(), sources.end());
}

std::uint32_t PlaceSets::find(std::span<const std::uint32_t> values) {
  return set_of_.find(values, [&] { return make(values); });
}

/// All networks that hold the network of this value, itself included: the tree knows the longest one only.
std::vector<base::IpPrefix> PlaceSets::networks_around(std::uint32_t value) const {
  std::vector<base::IpPrefix> around;
  if (value == 0) return around;
  const auto& inner = networks_[value - 1];
  for (std::uint8_t bits = 0; bits <= inner.bits; ++bits) {
    const base::IpPrefix outer{base::masked(inner.address, bits), bits};
    if (std::binary_search(networks_.begin(), networks_.end(), outer)) around.push_back(outer);
  }
  return around;
}

std::uint32_t PlaceSets::make(std::span<const std::uint32_t> values) {
  const auto networks = networks_around(values.front());
  const auto place = database_.merge(values.subspan(1)).place;
  std::vector<std::uint32_t> members;
  for (std::uint32_t i = 0; i < wanted_.size(); ++i) {
    const auto& atoms = *wanted_[i];
    const bool is_in = std::any_of(atoms.begin(), atoms.end(), [&](const compile::Atom& atom) {
      return compile::contains(atom, place, networks, places_);
    });
    if (is_in) members.push_back(i);
  }
  const auto [known, is_new] = ids_.try_emplace(members, static_cast<std::uint32_t>(sets_.size()));
  if (is_new) sets_.push_back(std::move(members));
  return known->second;
}

}  // namespace meridian::plan

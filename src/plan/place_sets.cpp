#include "plan/place_sets.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace meridian::plan {
namespace {

struct NamedNetworks {
  std::set<base::IpPrefix> written;
  std::set<std::uint32_t> files;

  void add(const std::vector<compile::Atom>& atoms) {
    for (const auto& atom : atoms) {
      if (atom.place.kind == config::PlaceRef::Kind::Network) written.insert(atom.place.network);
      if (atom.place.kind == config::PlaceRef::Kind::NetworksFile) files.insert(atom.file);
      add(atom.except);
    }
  }
};

compile::NetworkChains chains_of(const std::vector<const std::vector<compile::Atom>*>& places,
                                 const std::vector<config::NetworksFile>& networks_files) {
  NamedNetworks named;
  for (const auto* atoms : places) named.add(*atoms);
  return {named.written, named.files, networks_files};
}

}  // namespace

PlaceSets::PlaceSets(std::vector<const std::vector<compile::Atom>*> wanted, base::Family family,
                     const std::vector<config::NetworksFile>& networks_files,
                     const geo::GeoDatabase& database, const geo::Places& places)
    : wanted_(std::move(wanted)),
      family_(family),
      database_(database),
      places_(places),
      chains_(chains_of(wanted_, networks_files)) {}

void PlaceSets::append_trees(Trees& trees) const {
  trees.push_back(&chains_.tree(family_));
  const auto sources = database_.sources(family_);
  trees.insert(trees.end(), sources.begin(), sources.end());
}

std::uint32_t PlaceSets::find(std::span<const std::uint32_t> values) {
  // The lines of a feed are all alike, a million of them.
  facts_.assign(values.begin(), values.end());
  facts_.front() = chains_.chain(values.front()).kind();
  return set_of_.find(facts_, [&] { return make(values); });
}

std::uint32_t PlaceSets::make(std::span<const std::uint32_t> values) {
  const auto chain = chains_.chain(values.front());
  const auto place = database_.merge(values.subspan(1)).place;
  std::vector<std::uint32_t> members;
  for (std::uint32_t i = 0; i < wanted_.size(); ++i) {
    const auto& atoms = *wanted_[i];
    const bool is_in = std::any_of(atoms.begin(), atoms.end(), [&](const compile::Atom& atom) {
      return compile::contains(atom, place, chain, places_);
    });
    if (is_in) members.push_back(i);
  }
  const auto [known, is_new] = ids_.try_emplace(members, static_cast<std::uint32_t>(sets_.size()));
  if (is_new) sets_.push_back(std::move(members));
  return known->second;
}

}  // namespace meridian::plan

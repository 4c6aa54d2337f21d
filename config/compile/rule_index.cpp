#include "config/compile/rule_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace meridian::compile {
namespace {

using Kind = config::PlaceRef::Kind;

void collect_networks(const Atom& atom, std::set<base::IpPrefix>& networks) {
  if (atom.place.kind == Kind::Network) networks.insert(atom.place.network);
  for (const auto& out : atom.except) collect_networks(out, networks);
}

}  // namespace

std::string to_string(const config::PlaceRef& place) {
  switch (place.kind) {
    case Kind::Everyone:
      return "everyone";
    case Kind::Continent:
      return "continent:" + place.code;
    case Kind::Area:
      return "m49:" + place.code;
    case Kind::AutonomousSystem:
      return fmt::format("AS{}", place.as_number);
    case Kind::Network:
      return base::to_string(place.network);
    case Kind::Country:
    case Kind::Subdivision:
    case Kind::Region:
      break;
  }
  return place.code;
}

RuleIndex::RuleIndex(const config::Map& map, const geo::Places& places, PlaceResolver& resolver,
                     base::Diagnostics& diagnostics)
    : map_(&map), places_(&places) {
  std::set<base::IpPrefix> networks;
  for (std::uint32_t rule = 0; rule < map.rules.size(); ++rule) {
    const auto& place = map.rules[rule].place;
    for (auto& atom : resolver.resolve(place)) {
      collect_networks(atom, networks);
      add({rule, std::move(atom), place.kind != Kind::Region}, diagnostics);
    }
  }
  for (const auto& [name, claims] : area_claims_) areas_by_size_.push_back(&claims);
  const auto country_count = [&](const std::vector<Claim>* claims) {
    return effective_countries({0, {claims->front().atom.place, {}}, false}).size();
  };
  std::stable_sort(areas_by_size_.begin(), areas_by_size_.end(), [&](const auto* left, const auto* right) {
    return country_count(left) < country_count(right);
  });
  check_overlapping_areas(diagnostics);
  named_networks_.assign(networks.begin(), networks.end());
  build_network_trees();
}

void RuleIndex::add(Claim claim, base::Diagnostics& diagnostics) {
  const auto place = claim.atom.place;  // a copy: the claim is moved from below
  switch (place.kind) {
    case Kind::Everyone:
      return add_to(everyone_claims_, std::move(claim), diagnostics);
    case Kind::Continent:
    case Kind::Area:
      return add_to(area_claims_[to_string(place)], std::move(claim), diagnostics);
    case Kind::Country:
      return add_to(country_claims_[place.code], std::move(claim), diagnostics);
    case Kind::Subdivision:
      return add_to(subdivision_claims_[place.code], std::move(claim), diagnostics);
    case Kind::Network:
      return add_to(network_claims_[place.network], std::move(claim), diagnostics);
    case Kind::AutonomousSystem:
      if (!first_as_use_) first_as_use_ = place.where;
      return add_to(as_claims_[place.as_number], std::move(claim), diagnostics);
    case Kind::Region:
      return;
  }
}

void RuleIndex::add_to(std::vector<Claim>& claims, Claim claim, base::Diagnostics& diagnostics) {
  for (const auto& other : claims) {
    if (other.rule == claim.rule || other.direct != claim.direct) continue;
    diagnostics.error(
        map_->rules[claim.rule].where,
        fmt::format("two rules of map '{}' claim {}: this one (place at {}) and the one at {} (place at {}); "
                    "take it out of one of them",
                    map_->name.text, to_string(claim.atom.place), base::to_string(claim.atom.place.where),
                    base::to_string(map_->rules[other.rule].where), base::to_string(other.atom.place.where)));
    return;
  }
  const auto position = claim.direct ? claims.begin() : claims.end();
  claims.insert(position, std::move(claim));
}

std::vector<std::string> RuleIndex::effective_countries(const Claim& claim) const {
  const auto& place = claim.atom.place;
  auto countries = place.kind == Kind::Continent ? places_->countries_in_continent(place.code)
                                                 : places_->countries_in_area(place.code);
  const auto is_out = [&](const std::string& country) {
    geo::Place example;
    example.country = country;
    if (const auto* known = places_->find_country(country)) example.continent = known->continent;
    return !contains(claim.atom, example, {}, *places_);
  };
  countries.erase(std::remove_if(countries.begin(), countries.end(), is_out), countries.end());
  std::sort(countries.begin(), countries.end());
  return countries;
}

void RuleIndex::check_overlapping_areas(base::Diagnostics& diagnostics) const {
  std::vector<const Claim*> claims;
  for (const auto& [name, group] : area_claims_) claims.push_back(&group.front());
  for (std::size_t i = 0; i < claims.size(); ++i) {
    for (std::size_t j = i + 1; j < claims.size(); ++j) {
      const Claim& left = *claims[i];
      const Claim& right = *claims[j];
      if (left.rule == right.rule) continue;
      const auto left_countries = effective_countries(left);
      const auto right_countries = effective_countries(right);
      std::vector<std::string> shared;
      std::set_intersection(left_countries.begin(), left_countries.end(), right_countries.begin(),
                            right_countries.end(), std::back_inserter(shared));
      // One area inside the other is fine: the one with fewer countries wins.
      const bool is_nested = shared.size() == std::min(left_countries.size(), right_countries.size()) &&
                             left_countries.size() != right_countries.size();
      if (shared.empty() || is_nested) continue;
      diagnostics.error(
          map_->rules[right.rule].where,
          fmt::format("{} and {} overlap: both hold {}, and neither is inside the other, so the rules at {} "
                      "and {} both claim it; "
                      "take it out of one region with 'not {}' or give it a rule of its own area",
                      to_string(left.atom.place), to_string(right.atom.place), shared.front(),
                      base::to_string(map_->rules[left.rule].where),
                      base::to_string(map_->rules[right.rule].where), shared.front()));
    }
  }
}

void RuleIndex::build_network_trees() {
  // Shorter prefixes first, so that a network's chain extends that of the network around it.
  std::stable_sort(named_networks_.begin(), named_networks_.end(),
                   [](const auto& left, const auto& right) { return left.bits < right.bits; });
  std::vector<std::pair<base::IpPrefix, std::uint32_t>> v4;
  std::vector<std::pair<base::IpPrefix, std::uint32_t>> v6;
  std::map<base::IpPrefix, std::uint32_t> chain_of;
  for (const auto& network : named_networks_) {
    std::vector<base::IpPrefix> chain;
    for (int bits = network.bits - 1; bits >= 0; --bits) {
      const auto length = static_cast<std::uint8_t>(bits);
      const auto outer = chain_of.find({base::masked(network.address, length), length});
      if (outer == chain_of.end()) continue;
      chain = chains_[outer->second];
      break;
    }
    chain.push_back(network);
    const auto id = static_cast<std::uint32_t>(chains_.size());
    chains_.push_back(std::move(chain));
    chain_of.emplace(network, id);
    (network.address.family == base::Family::V4 ? v4 : v6).emplace_back(network, id);
  }
  networks_v4_ = geo::build_prefix_tree(base::Family::V4, v4, 0);
  networks_v6_ = geo::build_prefix_tree(base::Family::V6, v6, 0);
}

std::vector<const Atom*> RuleIndex::atoms_of(std::uint32_t rule) const {
  std::vector<const Atom*> atoms;
  const auto add = [&](const std::vector<Claim>& claims) {
    for (const auto& claim : claims) {
      if (claim.rule == rule) atoms.push_back(&claim.atom);
    }
  };
  for (const auto& [network, claims] : network_claims_) add(claims);
  for (const auto& [number, claims] : as_claims_) add(claims);
  for (const auto* group : {&subdivision_claims_, &country_claims_, &area_claims_}) {
    for (const auto& [code, claims] : *group) add(claims);
  }
  add(everyone_claims_);
  return atoms;
}

std::optional<Win> RuleIndex::first_match(const std::vector<Claim>& claims, const geo::Place& place,
                                          std::span<const base::IpPrefix> networks) const {
  for (const auto& claim : claims) {
    if (contains(claim.atom, place, networks, *places_)) return Win{claim.rule, &claim.atom};
  }
  return std::nullopt;
}

Win RuleIndex::find(const geo::Place& place, std::uint32_t chain_id) const {
  const auto networks = chain(chain_id);
  std::optional<Win> win;
  for (auto network = networks.rbegin(); network != networks.rend() && !win; ++network) {
    const auto claims = network_claims_.find(*network);
    if (claims != network_claims_.end()) win = first_match(claims->second, place, networks);
  }
  const auto try_group = [&](const auto& group, const auto& key) {
    const auto claims = group.find(key);
    if (!win && claims != group.end()) win = first_match(claims->second, place, networks);
  };
  if (place.as_number != 0) try_group(as_claims_, place.as_number);
  if (!place.inner_subdivision.empty()) try_group(subdivision_claims_, place.inner_subdivision);
  if (!place.outer_subdivision.empty()) try_group(subdivision_claims_, place.outer_subdivision);
  if (!place.country.empty()) try_group(country_claims_, place.country);
  for (const auto* claims : areas_by_size_) {
    if (win) break;
    win = first_match(*claims, place, networks);
  }
  if (!win) win = first_match(everyone_claims_, place, networks);
  return win.value_or(Win{});
}

}  // namespace meridian::compile

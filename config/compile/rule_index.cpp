#include "config/compile/rule_index.hpp"

#include "config/place_ref.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace meridian::compile {
namespace {

using Kind = config::PlaceRef::Kind;

/// What of a map's places is told apart by address alone.
struct NamedNetworks {
  std::set<base::IpPrefix> written;
  std::set<std::uint32_t> files;

  void add(const Atom& atom) {
    if (atom.place.kind == Kind::Network) written.insert(atom.place.network);
    if (atom.place.kind == Kind::NetworksFile) files.insert(atom.file);
    for (const auto& out : atom.except) add(out);
  }
};

std::string city_key(std::string_view code, std::string_view folded_name) {
  return fmt::format("{}/{}", code, folded_name);
}

bool are_same(std::span<const config::Word> left, std::span<const config::Word> right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const config::Word& a, const config::Word& b) { return a.text == b.text; });
}

bool are_same(const std::vector<config::Tier>& left, const std::vector<config::Tier>& right) {
  const auto is_same_member = [](const config::WeightedDatacenter& a, const config::WeightedDatacenter& b) {
    return a.name.text == b.name.text && a.weight == b.weight;
  };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](const config::Tier& a, const config::Tier& b) {
                      return std::equal(a.begin(), a.end(), b.begin(), b.end(), is_same_member);
                    });
}

}  // namespace

RuleIndex::RuleIndex(const config::MapDirectory& model, const config::Map& map, RuleSet rule_set,
                     const geo::Places& places, PlaceResolver& resolver, base::Diagnostics& diagnostics)
    : model_(&model), map_(&map), rule_set_(rule_set), places_(&places) {
  NamedNetworks networks;
  for (std::uint32_t rule = 0; rule < rules().size(); ++rule) {
    const auto& place = rules()[rule].place;
    for (auto& atom : resolver.resolve(place)) {
      networks.add(atom);
      add({rule, std::move(atom), place.kind != Kind::Region}, diagnostics);
    }
  }
  for (const auto& [name, claims] : area_claims_) areas_by_size_.push_back(&claims);
  const auto country_count = [&](const std::vector<Claim>* claims) {
    Claim whole;
    whole.atom.place = claims->front().atom.place;
    return effective_countries(whole).size();
  };
  std::stable_sort(areas_by_size_.begin(), areas_by_size_.end(), [&](const auto* left, const auto* right) {
    return country_count(left) < country_count(right);
  });
  check_overlapping_areas(diagnostics);
  chains_ = NetworkChains(networks.written, networks.files, model.networks_files);
  if (file_claims_.size() > 1) check_networks_files(diagnostics);
}

void RuleIndex::add(Claim claim, base::Diagnostics& diagnostics) {
  const auto place = claim.atom.place;  // a copy: the claim is moved from below
  first_uses_.try_emplace(place.kind, place.where);
  switch (place.kind) {
    case Kind::Everyone:
      return add_to(everyone_claims_, std::move(claim), diagnostics);
    case Kind::Continent:
    case Kind::Area:
      return add_to(area_claims_[config::to_string(place)], std::move(claim), diagnostics);
    case Kind::Country:
      return add_to(country_claims_[place.code], std::move(claim), diagnostics);
    case Kind::Subdivision:
      return add_to(subdivision_claims_[place.code], std::move(claim), diagnostics);
    case Kind::Network:
      return add_to(network_claims_[place.network], std::move(claim), diagnostics);
    case Kind::NetworksFile:
      // The same network in two files is told, but is no error: feeds come from others.
      file_claims_[claim.atom.file].push_back(std::move(claim));
      return;
    case Kind::City: {
      const auto key = city_key(place.code, claim.atom.folded_city);
      return add_to(city_claims_[key], std::move(claim), diagnostics);
    }
    case Kind::GeoName:
      return add_to(geoname_claims_[place.geoname_id], std::move(claim), diagnostics);
    case Kind::AutonomousSystem:
      return add_to(as_claims_[place.as_number], std::move(claim), diagnostics);
    case Kind::Region:
      return;
  }
}

void RuleIndex::add_to(std::vector<Claim>& claims, Claim claim, base::Diagnostics& diagnostics) {
  for (const auto& other : claims) {
    if (other.rule == claim.rule || other.direct != claim.direct) continue;
    diagnostics.error(
        rules()[claim.rule].where,
        fmt::format("two rules of map '{}' claim {}: this one (place at {}) and the one at {} (place at {}); "
                    "take it out of one of them",
                    map_->name.text, config::to_string(claim.atom.place),
                    base::to_string(claim.atom.place.where), base::to_string(rules()[other.rule].where),
                    base::to_string(other.atom.place.where)));
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
    return !contains(claim.atom, example, NetworkChain{}, *places_);
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
          rules()[right.rule].where,
          fmt::format("{} and {} overlap: both hold {}, and neither is inside the other, so the rules at {} "
                      "and {} both claim it; "
                      "take it out of one region with 'not {}' or give it a rule of its own area",
                      config::to_string(left.atom.place), config::to_string(right.atom.place), shared.front(),
                      base::to_string(rules()[left.rule].where), base::to_string(rules()[right.rule].where),
                      shared.front()));
    }
  }
}

bool RuleIndex::are_same_tiers(const Win& left, const Win& right) const {
  const auto& one = rules()[left.rule];
  const auto& other = rules()[right.rule];
  if (one.order != other.order) return false;
  switch (one.order) {
    case config::Rule::Order::Nearest:
      return one.nearest_count == other.nearest_count;
    case config::Rule::Order::AsListed:
      return are_same(listed(left), listed(right));
    case config::Rule::Order::Prefer:
    case config::Rule::Order::Only:
      break;
  }
  return are_same(one.tiers, other.tiers);
}

void RuleIndex::check_networks_files(base::Diagnostics& diagnostics) {
  struct Conflict {
    Win winner;
    Win loser;
    std::size_t count = 0;
  };
  // One warning for each two files: feeds that overlap do so in thousands of networks.
  std::map<std::pair<std::uint32_t, std::uint32_t>, Conflict> conflicts;
  for (std::uint32_t id = 1; id < chains_.count(); ++id) {
    std::vector<Win> wins;
    for (const auto& line : chains_.chain(id).lines()) {
      const auto claims = file_claims_.find(line.file);
      if (claims == file_claims_.end()) continue;
      wins.push_back({claims->second.front().rule, &claims->second.front().atom, line});
    }
    const auto winner = std::min_element(
        wins.begin(), wins.end(), [](const Win& left, const Win& right) { return left.rule < right.rule; });
    for (const auto& loser : wins) {
      if (&loser == &*winner || are_same_tiers(*winner, loser)) continue;
      auto& conflict = conflicts[{winner->line.file, loser.line.file}];
      if (conflict.count++ == 0) conflict = {*winner, loser, 1};
      ++file_conflict_count_;
    }
  }
  for (const auto& [files, conflict] : conflicts) {
    const auto& entry = entry_of(conflict.loser);
    diagnostics.warning(
        {file_of(conflict.loser).file, static_cast<int>(entry.line), 1},
        fmt::format("{}{} stands in {} too (line {}); the rule at {} comes first in map '{}' and wins over "
                    "the one at {}",
                    base::to_string(entry.network),
                    conflict.count == 1 ? "" : fmt::format(" (and {} more)", conflict.count - 1),
                    file_of(conflict.winner).path, entry_of(conflict.winner).line,
                    base::to_string(rules()[conflict.winner.rule].where), map_->name.text,
                    base::to_string(rules()[conflict.loser.rule].where)));
  }
}

std::span<const config::Word> RuleIndex::listed(const Win& win) const {
  if (win.atom == nullptr || win.atom->place.kind != Kind::NetworksFile) return {};
  const auto list = entry_of(win).list;
  if (list == config::NetworksFile::kNoList) return {};
  return file_of(win).lists[list];
}

const base::Location* RuleIndex::first_use(Kind kind) const noexcept {
  const auto found = first_uses_.find(kind);
  return found == first_uses_.end() ? nullptr : &found->second;
}

std::vector<const Atom*> RuleIndex::cities() const {
  std::vector<const Atom*> atoms;
  for (const auto& [key, claims] : city_claims_) {
    for (const auto& claim : claims) atoms.push_back(&claim.atom);
  }
  return atoms;
}

std::vector<const Atom*> RuleIndex::atoms_of(std::uint32_t rule) const {
  std::vector<const Atom*> atoms;
  const auto add = [&](const std::vector<Claim>& claims) {
    for (const auto& claim : claims) {
      if (claim.rule == rule) atoms.push_back(&claim.atom);
    }
  };
  for (const auto& [network, claims] : network_claims_) add(claims);
  for (const auto* group : {&file_claims_, &as_claims_, &geoname_claims_}) {
    for (const auto& [number, claims] : *group) add(claims);
  }
  for (const auto* group : {&city_claims_, &subdivision_claims_, &country_claims_, &area_claims_}) {
    for (const auto& [code, claims] : *group) add(claims);
  }
  add(everyone_claims_);
  return atoms;
}

std::optional<Win> RuleIndex::first_match(const std::vector<Claim>& claims, const geo::Place& place,
                                          const NetworkChain& chain) const {
  for (const auto& claim : claims) {
    if (contains(claim.atom, place, chain, *places_)) return Win{claim.rule, &claim.atom, {}};
  }
  return std::nullopt;
}

std::optional<Win> RuleIndex::find_by_line(const NetworkChain& at, const geo::Place& place,
                                           const NetworkChain& chain) const {
  std::optional<Win> best;
  for (const auto& line : at.lines()) {
    const auto claims = file_claims_.find(line.file);
    if (claims == file_claims_.end()) continue;
    auto win = first_match(claims->second, place, chain);
    if (!win || (best && best->rule <= win->rule)) continue;
    best = win;
    best->line = line;
  }
  return best;
}

std::optional<Win> RuleIndex::find_by_network(const geo::Place& place, const NetworkChain& chain) const {
  for (auto at = chain; !at.is_empty(); at = at.outer()) {
    const auto claims = network_claims_.find(at.network());
    if (claims != network_claims_.end()) {
      if (const auto win = first_match(claims->second, place, chain)) return win;
    }
    if (const auto win = find_by_line(at, place, chain)) return win;
  }
  return std::nullopt;
}

std::optional<Win> RuleIndex::find_by_city(const geo::Place& place, const NetworkChain& chain) const {
  const auto by_id = geoname_claims_.find(place.geoname_id);
  if (by_id != geoname_claims_.end()) {
    if (const auto win = first_match(by_id->second, place, chain)) return win;
  }
  if (city_claims_.empty() || place.city.empty()) return std::nullopt;
  const auto names = fold_city(place.city);
  for (const auto* code : {&place.inner_subdivision, &place.outer_subdivision, &place.country}) {
    for (const auto* name : {&names.full, &names.without_part}) {
      if (code->empty() || name->empty()) continue;
      const auto claims = city_claims_.find(city_key(*code, *name));
      if (claims == city_claims_.end()) continue;
      if (const auto win = first_match(claims->second, place, chain)) return win;
    }
  }
  return std::nullopt;
}

Win RuleIndex::find(const geo::Place& place, std::uint32_t chain_id) const {
  const auto chain = chains_.chain(chain_id);
  auto win = find_by_network(place, chain);
  const auto try_group = [&](const auto& group, const auto& key) {
    if (win) return;
    const auto claims = group.find(key);
    if (claims != group.end()) win = first_match(claims->second, place, chain);
  };
  if (place.as_number != 0) try_group(as_claims_, place.as_number);
  if (!win) win = find_by_city(place, chain);
  if (!place.inner_subdivision.empty()) try_group(subdivision_claims_, place.inner_subdivision);
  if (!place.outer_subdivision.empty()) try_group(subdivision_claims_, place.outer_subdivision);
  if (!place.country.empty()) try_group(country_claims_, place.country);
  for (const auto* claims : areas_by_size_) {
    if (win) break;
    win = first_match(*claims, place, chain);
  }
  if (!win) win = first_match(everyone_claims_, place, chain);
  return win.value_or(Win{});
}

}  // namespace meridian::compile

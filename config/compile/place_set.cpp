#include "config/compile/place_set.hpp"

#include "geo/name_folding.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace meridian::compile {
namespace {

using Kind = config::PlaceRef::Kind;

bool matches_city(const Atom& atom, const geo::Place& place) {
  const auto& code = atom.place.code;
  if (place.country != code && place.outer_subdivision != code && place.inner_subdivision != code)
    return false;
  const auto names = fold_city(place.city);
  return names.full == atom.folded_city ||
         (!names.without_part.empty() && names.without_part == atom.folded_city);
}

bool matches_place(const Atom& whole, const geo::Place& place, const NetworkChain& chain,
                   const geo::Places& places) {
  const auto& atom = whole.place;
  switch (atom.kind) {
    case Kind::Everyone:
      return true;
    case Kind::Continent:
      return place.continent == atom.code;
    case Kind::Area:
      return !place.country.empty() && places.area_contains(atom.code, place.country);
    case Kind::Country:
      return place.country == atom.code;
    case Kind::Subdivision:
      return place.outer_subdivision == atom.code || place.inner_subdivision == atom.code;
    case Kind::City:
      return matches_city(whole, place);
    case Kind::GeoName:
      return place.geoname_id == atom.geoname_id;
    case Kind::AutonomousSystem:
      return place.as_number == atom.as_number;
    case Kind::Network:
      return chain.has(atom.network);
    case Kind::NetworksFile:
      return chain.has_file(whole.file);
    case Kind::Region:
      break;
  }
  return false;
}

}  // namespace

CityNames fold_city(const std::string& city) {
  if (city.empty()) return {};
  const auto part = geo::without_part(city);
  return {geo::fold_name(city), part.size() == city.size() ? std::string{} : geo::fold_name(part)};
}

bool contains(const Atom& atom, const geo::Place& place, const NetworkChain& chain,
              const geo::Places& places) {
  if (!matches_place(atom, place, chain, places)) return false;
  return std::none_of(atom.except.begin(), atom.except.end(),
                      [&](const Atom& out) { return contains(out, place, chain, places); });
}

PlaceResolver::PlaceResolver(const config::MapDirectory& model, bool regions_complete,
                             const geo::Places& places, const std::vector<std::string>& database_countries,
                             base::Diagnostics& diagnostics)
    : regions_(model.regions),
      networks_files_(model.networks_files),
      regions_complete_(regions_complete),
      places_(places),
      database_countries_(database_countries),
      diagnostics_(diagnostics) {}

std::vector<Atom> PlaceResolver::resolve(const config::PlaceRef& place) {
  if (place.kind == Kind::Region) return resolve_region(place);
  const auto [known, is_new] = checked_.try_emplace(place.where, true);
  if (is_new) known->second = place.kind == Kind::Network ? check_network(place) : check_code(place);
  if (!known->second) return {};
  if (place.kind == Kind::NetworksFile && find_file(place) == networks_files_.end()) return {};
  return {make_atom(place)};
}

std::vector<config::NetworksFile>::const_iterator PlaceResolver::find_file(
    const config::PlaceRef& place) const {
  return std::find_if(networks_files_.begin(), networks_files_.end(),
                      [&](const config::NetworksFile& file) { return file.path == place.code; });
}

Atom PlaceResolver::make_atom(const config::PlaceRef& place) const {
  Atom atom;
  atom.place = place;
  atom.place.negated = false;
  if (place.kind == Kind::City) atom.folded_city = geo::fold_name(place.city);
  if (place.kind == Kind::NetworksFile)
    atom.file = static_cast<std::uint32_t>(find_file(place) - networks_files_.begin());
  return atom;
}

std::vector<Atom> PlaceResolver::resolve_region(const config::PlaceRef& reference) {
  const auto region = std::find_if(regions_.begin(), regions_.end(),
                                   [&](const config::Region& r) { return r.name.text == reference.code; });
  if (region == regions_.end()) {
    if (!regions_complete_ || !checked_.try_emplace(reference.where, false).second) return {};
    std::vector<std::string> names;
    for (const auto& r : regions_) names.push_back(r.name.text);
    diagnostics_.error(reference.where, fmt::format("region '{}' is not defined{}", reference.code,
                                                    base::suggestion(reference.code, names)));
    return {};
  }
  if (std::find(stack_.begin(), stack_.end(), reference.code) != stack_.end()) {
    if (checked_.try_emplace(reference.where, false).second) {
      diagnostics_.error(reference.where,
                         fmt::format("region '{}' contains itself ({} → {}); take one of them out",
                                     reference.code, fmt::join(stack_, " → "), reference.code));
    }
    return {};
  }
  if (stack_.size() >= base::limits::kRegionDepthMax) {
    diagnostics_.error(reference.where, fmt::format("regions are nested more than {} deep; flatten them",
                                                    base::limits::kRegionDepthMax));
    return {};
  }
  auto& resolved = resolved_[reference.code];
  resolved.is_used = true;
  if (!resolved.is_done) {
    stack_.push_back(reference.code);
    auto atoms = resolve_members(*region);
    stack_.pop_back();
    resolved.atoms = std::move(atoms);
    resolved.is_done = true;
  }
  return resolved.atoms;
}

std::vector<Atom> PlaceResolver::resolve_members(const config::Region& region) {
  std::vector<Atom> atoms;
  std::vector<Atom> except;
  for (const auto& member : region.members) {
    auto part = resolve(member);
    auto& target = member.negated ? except : atoms;
    target.insert(target.end(), part.begin(), part.end());
  }
  for (auto& atom : atoms) atom.except.insert(atom.except.end(), except.begin(), except.end());
  return atoms;
}

void PlaceResolver::check_all_regions() {
  for (const auto& region : regions_) {
    const auto found = resolved_.find(region.name.text);
    const bool is_used = found != resolved_.end() && found->second.is_used;
    config::PlaceRef reference;
    reference.kind = Kind::Region;
    reference.code = region.name.text;
    reference.where = region.name.where;
    static_cast<void>(resolve_region(reference));
    // A misspelt name elsewhere may be the rule that was meant to use it.
    if (!is_used && !diagnostics_.has_errors()) {
      diagnostics_.warning(region.name.where, fmt::format("no rule uses region '{}'", region.name.text));
    }
  }
}

bool PlaceResolver::check_network(const config::PlaceRef& place) {
  for (const auto& carrier : base::carrier_networks()) {
    if (!carrier.contains(place.network)) continue;
    diagnostics_.error(
        place.where,
        fmt::format("{} lies inside {}, whose addresses carry IPv4 addresses and are looked up as those; "
                    "write the IPv4 network",
                    base::to_string(place.network), base::to_string(carrier)));
    return false;
  }
  return true;
}

bool PlaceResolver::check_code(const config::PlaceRef& place) {
  const auto complain = [&](std::string_view what, const std::vector<std::string>& candidates) {
    diagnostics_.error(place.where, fmt::format("'{}' is not {}{}", place.code, what,
                                                base::suggestion(place.code, candidates)));
    return false;
  };
  switch (place.kind) {
    case Kind::City:
      if (place.code.size() > 2) break;
      [[fallthrough]];
    case Kind::Country: {
      if (places_.find_country(place.code) != nullptr) return true;
      const auto& known = database_countries_;
      if (std::find(known.begin(), known.end(), place.code) == known.end()) {
        return complain("a country code of ISO 3166-1", places_.country_codes());
      }
      diagnostics_.warning(place.where,
                           fmt::format("'{}' is not in ISO 3166-1; it is taken because a loaded database "
                                       "has it",
                                       place.code));
      return true;
    }
    case Kind::Subdivision:
      break;
    case Kind::Continent:
      return places_.is_continent(place.code) || complain("a continent (AF, AN, AS, EU, NA, OC or SA)", {});
    case Kind::Area:
      return places_.is_area(place.code) || complain("a UN M49 area", places_.area_codes());
    default:
      return true;
  }
  return places_.find_subdivision(place.code) != nullptr ||
         complain("a subdivision code of ISO 3166-2", places_.subdivision_codes(place.code.substr(0, 2)));
}

}  // namespace meridian::compile

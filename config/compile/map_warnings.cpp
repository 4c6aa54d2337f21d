#include "config/compile/map_warnings.hpp"

#include "config/place_ref.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

namespace meridian::compile {
namespace {

using Kind = config::PlaceRef::Kind;

/// True when some record is in the atom. What networks it names counts as there: an address always is. Feeds
/// change by themselves, so what stands in a networks file today counts as nothing.
bool is_anywhere(const Atom& atom, const geo::GeoDatabase& database, const geo::Places& places) {
  if (atom.place.kind == Kind::NetworksFile) return false;
  if (atom.place.kind == Kind::Network || atom.place.kind == Kind::Everyone) return true;
  for (const auto& file : database.files()) {
    for (const auto& place : file->places.areas()) {
      if (contains(atom, place, {}, places)) return true;
    }
  }
  return false;
}

/// True when the file has a country for some address of the network.
bool has_country(const geo::GeoFile& file, const base::IpPrefix& network) {
  geo::PackedTree::Cursor cursor(file.tree(network.address.family));
  unsigned depth = 0;
  for (; depth < network.bits && cursor.next_is_split(); ++depth) {
    if (network.address.bit(depth)) cursor.skip();
  }
  if (depth < network.bits) return !file.places.area(cursor.take_value()).country.empty();
  // Everything below, in whatever order.
  for (std::size_t blocks = 1; blocks > 0;) {
    if (cursor.next_is_split()) {
      ++blocks;
      continue;
    }
    if (!file.places.area(cursor.take_value()).country.empty()) return true;
    --blocks;
  }
  return false;
}

/// False also where no file could know.
bool is_lost(const geo::GeoDatabase& database, const base::IpPrefix& network) {
  bool could_know = false;
  for (const auto& file : database.files()) {
    const bool has_family = network.address.family == base::Family::V4 ? file->has_v4 : file->has_v6;
    if (!file->known.country || !has_family) continue;
    if (has_country(*file, network)) return false;
    could_know = true;
  }
  return could_know;
}

/// Private space lies in no country, and rules for it are meant.
bool is_private(const base::IpPrefix& network) {
  const auto networks = base::private_networks();
  return std::any_of(networks.begin(), networks.end(),
                     [&](const base::IpPrefix& known) { return known.contains(network); });
}

void warn_of_idle_rules(const RuleIndex& rules, const geo::GeoDatabase& database,
                        const std::vector<bool>& rule_wins, const geo::Places& places,
                        base::Diagnostics& warnings) {
  for (std::uint32_t i = 0; i < rule_wins.size(); ++i) {
    if (rule_wins[i]) continue;
    const auto atoms = rules.atoms_of(i);
    const bool has_addresses = std::any_of(
        atoms.begin(), atoms.end(), [&](const Atom* atom) { return is_anywhere(*atom, database, places); });
    // Where nothing is known of a place the database may be too coarse, or the next one may know it.
    if (!has_addresses) continue;
    const auto& rule = rules.rules()[i];
    warnings.warning(rule.where, fmt::format("this rule for {} never wins: more specific rules claim every "
                                             "address of it; take it out",
                                             config::to_string(rule.place)));
  }
}

void warn_of_lost_networks(const RuleIndex& rules, const geo::GeoDatabase& database,
                           base::Diagnostics& warnings) {
  std::set<base::Location> told;
  for (std::uint32_t i = 0; i < rules.rules().size(); ++i) {
    for (const auto* atom : rules.atoms_of(i)) {
      const auto& place = atom->place;
      if (place.kind != Kind::Network || is_private(place.network) || !is_lost(database, place.network))
        continue;
      if (!told.insert(place.where).second) continue;
      warnings.warning(place.where, fmt::format("no GeoIP database knows a country for any address of {}; is "
                                                "it the network you mean?",
                                                base::to_string(place.network)));
    }
  }
}

}  // namespace

void warn_of_odd_rules(const RuleIndex& rules, const geo::GeoDatabase& database,
                       const std::vector<bool>& rule_wins, const geo::Places& places,
                       base::Diagnostics& warnings) {
  warn_of_idle_rules(rules, database, rule_wins, places, warnings);
  warn_of_lost_networks(rules, database, warnings);
}

void warn_of_unreachable_datacenters(const query::Snapshot& snapshot, const config::MapDirectory& model,
                                     base::Diagnostics& warnings) {
  if (snapshot.maps.empty()) return;
  std::vector<bool> is_reached(snapshot.datacenters.size());
  for (std::size_t id = 0; id < snapshot.tiers.size(); ++id) {
    for (const auto& entry : snapshot.tiers.list(static_cast<base::TiersId>(id)))
      is_reached[base::index_of(entry.datacenter)] = true;
  }
  for (const auto& service : snapshot.services) {
    if (service.fixed_pool == base::kNoPool) continue;
    is_reached[base::index_of(snapshot.pools[base::index_of(service.fixed_pool)].datacenter)] = true;
  }
  for (std::size_t i = 0; i < is_reached.size(); ++i) {
    if (is_reached[i]) continue;
    const auto& name = model.datacenters[i].name;
    warnings.warning(name.where, fmt::format("no map can send anybody to datacenter '{}'; name it in a rule, "
                                             "or take it out",
                                             name.text));
  }
}

}  // namespace meridian::compile

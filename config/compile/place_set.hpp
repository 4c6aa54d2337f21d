// What a rule's place means: regions taken apart into atoms (countries, areas, networks, …), each with what
// `not` takes out of it.
//
// Built once a load from the model; immutable after. The atoms keep the place in the file they came from, for
// messages and explain.
#pragma once

#include "base/diagnostics.hpp"
#include "base/ip.hpp"
#include "config/compile/network_chains.hpp"
#include "config/model.hpp"
#include "geo/place.hpp"
#include "geo/places.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace meridian::compile {

/// One place without the parts that `not` takes out. Never Kind::Region.
struct Atom {
  config::PlaceRef place;
  std::string folded_city;  ///< Kind::City: the name as cities are compared
  std::uint32_t file = 0;   ///< Kind::NetworksFile: index into MapDirectory::networks_files
  std::vector<Atom> except;
};

/// The names by which a client's city is found: as its record has it, and without the part of the city in
/// brackets. Folded; empty without a city.
struct CityNames {
  std::string full;
  std::string without_part;  ///< empty when it is the same
};
[[nodiscard]] CityNames fold_city(const std::string& city);

/// True when a client at `place`, inside the networks of `chain`, is in the atom. Areas are asked through
/// `places`.
[[nodiscard]] bool contains(const Atom& atom, const geo::Place& place, const NetworkChain& chain,
                            const geo::Places& places);

/// Takes regions apart. Unknown names, loops and codes nobody knows are errors, each told once.
class PlaceResolver {
 public:
  /// `known_countries`: codes that a loaded database has though ISO 3166-1 does not; they only earn a
  /// warning.
  PlaceResolver(const config::MapDirectory& model, bool regions_complete, const geo::Places& places,
                const std::vector<std::string>& database_countries, base::Diagnostics& diagnostics);

  /// The atoms of a rule's place or a region's member. Empty when something was wrong (and told).
  [[nodiscard]] std::vector<Atom> resolve(const config::PlaceRef& place);

  /// Resolves every region once, so that errors in regions no rule uses are told too; warns of unused ones.
  void check_all_regions();

 private:
  [[nodiscard]] std::vector<Atom> resolve_region(const config::PlaceRef& reference);
  [[nodiscard]] std::vector<Atom> resolve_members(const config::Region& region);
  [[nodiscard]] bool check_code(const config::PlaceRef& place);
  [[nodiscard]] bool check_network(const config::PlaceRef& place);
  [[nodiscard]] Atom make_atom(const config::PlaceRef& place) const;
  /// The end: the files were not read.
  [[nodiscard]] std::vector<config::NetworksFile>::const_iterator find_file(
      const config::PlaceRef& place) const;

  struct Resolved {
    std::vector<Atom> atoms;
    bool is_done = false;
    bool is_used = false;
  };

  const std::vector<config::Region>& regions_;
  const std::vector<config::NetworksFile>& networks_files_;
  bool regions_complete_;  ///< false: regions.yaml has errors, so a missing region is not told again
  const geo::Places& places_;
  const std::vector<std::string>& database_countries_;
  base::Diagnostics& diagnostics_;
  std::map<std::string, Resolved, std::less<>> resolved_;
  std::map<base::Location, bool> checked_;  ///< places already told about
  std::vector<std::string> stack_;          ///< regions being taken apart, to find loops
};

}  // namespace meridian::compile

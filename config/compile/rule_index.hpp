// Which rule of a map wins for a client: the most specific place, whatever the order of the rules.
//
// network (longest prefix) > AS > city > inner subdivision > outer subdivision > country > area or continent
// (the one with fewer countries first) > everyone. A place a rule names itself beats the same place from a
// region; a network that is written out beats the same network in a networks file.
// Used while compiling and by explain, never per query. Immutable once built.
#pragma once

#include "base/diagnostics.hpp"
#include "base/ip.hpp"
#include "config/compile/network_chains.hpp"
#include "config/compile/place_set.hpp"
#include "config/model.hpp"
#include "geo/place.hpp"
#include "geo/places.hpp"
#include "geo/prefix_tree.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace meridian::compile {

/// No rule: a map without `everyone` prefers the nearest.
inline constexpr std::uint32_t kImplicitRule = 0xffff'ffff;

/// The rule that wins and the atom by which it does.
struct Win {
  std::uint32_t rule = kImplicitRule;
  const Atom* atom = nullptr;  ///< nullptr for the implicit rule
  FileLine line;               ///< of the network, when the atom is a networks file
};

/// Which of a map's two lists of rules.
enum class RuleSet : std::uint8_t {
  Clients,    ///< `rules`
  Resolvers,  ///< `resolvers`: where none wins, `rules` are asked
};

class RuleIndex {
 public:
  /// Reports places that two rules claim. `model`, whose map it is, and `places` must outlive the index.
  RuleIndex(const config::MapDirectory& model, const config::Map& map, RuleSet rule_set,
            const geo::Places& places, PlaceResolver& resolver, base::Diagnostics& diagnostics);

  /// The winning rule for a client at `place` inside the networks of `chain` (see network_tree).
  [[nodiscard]] Win find(const geo::Place& place, std::uint32_t chain) const;

  /// The networks any rule or region of this map names, as a tree whose values are ids of chains().
  [[nodiscard]] const geo::PrefixTree& network_tree(base::Family family) const noexcept {
    return chains_.tree(family);
  }
  [[nodiscard]] const NetworkChains& chains() const noexcept { return chains_; }

  [[nodiscard]] const config::Map& map() const noexcept { return *map_; }
  [[nodiscard]] const std::vector<config::Rule>& rules() const noexcept {
    return rule_set_ == RuleSet::Clients ? map_->rules : map_->resolvers;
  }
  /// The atoms by which `rule` could win.
  [[nodiscard]] std::vector<const Atom*> atoms_of(std::uint32_t rule) const;
  /// The line of a win by a networks file, and the file.
  [[nodiscard]] const config::NetworksFile& file_of(const Win& win) const {
    return model_->networks_files[win.line.file];
  }
  [[nodiscard]] const config::NetworksFile::Entry& entry_of(const Win& win) const {
    return file_of(win).entries[win.line.entry];
  }
  /// The datacenters on the line; none for any other win.
  [[nodiscard]] std::span<const config::Word> listed(const Win& win) const;

  /// Where a rule first uses places that only some databases know; nullptr: none does.
  [[nodiscard]] const base::Location* first_use(config::PlaceRef::Kind kind) const noexcept;
  /// Every city that a rule names.
  [[nodiscard]] std::vector<const Atom*> cities() const;
  /// Networks that stand in two networks files whose rules send them to different tiers.
  [[nodiscard]] std::size_t file_conflict_count() const noexcept { return file_conflict_count_; }

 private:
  struct Claim {
    std::uint32_t rule = 0;
    Atom atom;
    bool direct = false;  ///< the rule names the place itself
  };
  void add(Claim claim, base::Diagnostics& diagnostics);
  void add_to(std::vector<Claim>& claims, Claim claim, base::Diagnostics& diagnostics);
  void check_overlapping_areas(base::Diagnostics& diagnostics) const;
  void check_networks_files(base::Diagnostics& diagnostics);
  [[nodiscard]] std::optional<Win> first_match(const std::vector<Claim>& claims, const geo::Place& place,
                                               const NetworkChain& chain) const;
  [[nodiscard]] std::optional<Win> find_by_network(const geo::Place& place, const NetworkChain& chain) const;
  [[nodiscard]] std::optional<Win> find_by_line(const NetworkChain& at, const geo::Place& place,
                                                const NetworkChain& chain) const;
  [[nodiscard]] std::optional<Win> find_by_city(const geo::Place& place, const NetworkChain& chain) const;
  [[nodiscard]] bool are_same_tiers(const Win& left, const Win& right) const;
  [[nodiscard]] std::vector<std::string> effective_countries(const Claim& claim) const;

  const config::MapDirectory* model_;
  const config::Map* map_;
  RuleSet rule_set_;
  const geo::Places* places_;
  std::map<base::IpPrefix, std::vector<Claim>> network_claims_;
  std::map<std::uint32_t, std::vector<Claim>> file_claims_;  ///< by the file's index; in the order of rules
  std::map<std::uint32_t, std::vector<Claim>> as_claims_;
  std::map<std::uint32_t, std::vector<Claim>> geoname_claims_;
  std::map<std::string, std::vector<Claim>, std::less<>> city_claims_;  ///< "US-TX/dallas"
  std::map<std::string, std::vector<Claim>, std::less<>> subdivision_claims_;
  std::map<std::string, std::vector<Claim>, std::less<>> country_claims_;
  std::map<std::string, std::vector<Claim>, std::less<>> area_claims_;  ///< "continent:EU", "m49:150"
  std::vector<const std::vector<Claim>*> areas_by_size_;                ///< fewest countries first
  std::vector<Claim> everyone_claims_;
  NetworkChains chains_;
  std::map<config::PlaceRef::Kind, base::Location> first_uses_;
  std::size_t file_conflict_count_ = 0;
};

}  // namespace meridian::compile

// Which rule of a map wins for a client: the most specific place, whatever the order of the rules.
//
// network (longest prefix) > AS > inner subdivision > outer subdivision > country > area or continent (the
// one with fewer countries first) > everyone. A place a rule names itself beats the same place from a region.
// Used while compiling and by explain, never per query. Immutable once built.
#pragma once

#include "base/diagnostics.hpp"
#include "base/ip.hpp"
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
};

class RuleIndex {
 public:
  /// Reports places that two rules claim. `map` and `places` must outlive the index.
  RuleIndex(const config::Map& map, const geo::Places& places, PlaceResolver& resolver,
            base::Diagnostics& diagnostics);

  /// The winning rule for a client at `place` inside the networks of `chain` (see network_tree).
  [[nodiscard]] Win find(const geo::Place& place, std::uint32_t chain) const;

  /// The networks any rule or region of this map names, as a tree whose values are chains: 0 is "in none of
  /// them", another number stands for the list of all of them that hold the address.
  [[nodiscard]] const geo::PrefixTree& network_tree(base::Family family) const noexcept {
    return family == base::Family::V4 ? networks_v4_ : networks_v6_;
  }
  /// Shortest first.
  [[nodiscard]] std::span<const base::IpPrefix> chain(std::uint32_t id) const noexcept { return chains_[id]; }
  [[nodiscard]] std::uint32_t chain_count() const noexcept {
    return static_cast<std::uint32_t>(chains_.size());
  }

  [[nodiscard]] const config::Map& map() const noexcept { return *map_; }
  /// Every network that a rule or a region of this map names, shortest first; those after `not` too.
  [[nodiscard]] std::span<const base::IpPrefix> named_networks() const noexcept { return named_networks_; }
  /// The atoms by which `rule` could win.
  [[nodiscard]] std::vector<const Atom*> atoms_of(std::uint32_t rule) const;
  /// True when some rule names an AS, which needs a database that has them.
  [[nodiscard]] const base::Location* first_as_use() const noexcept {
    return first_as_use_ ? &*first_as_use_ : nullptr;
  }

 private:
  struct Claim {
    std::uint32_t rule = 0;
    Atom atom;
    bool direct = false;  ///< the rule names the place itself
  };
  void add(Claim claim, base::Diagnostics& diagnostics);
  void add_to(std::vector<Claim>& claims, Claim claim, base::Diagnostics& diagnostics);
  void check_overlapping_areas(base::Diagnostics& diagnostics) const;
  void build_network_trees();
  [[nodiscard]] std::optional<Win> first_match(const std::vector<Claim>& claims, const geo::Place& place,
                                               std::span<const base::IpPrefix> networks) const;
  [[nodiscard]] std::vector<std::string> effective_countries(const Claim& claim) const;

  const config::Map* map_;
  const geo::Places* places_;
  std::map<base::IpPrefix, std::vector<Claim>> network_claims_;
  std::map<std::uint32_t, std::vector<Claim>> as_claims_;
  std::map<std::string, std::vector<Claim>, std::less<>> subdivision_claims_;
  std::map<std::string, std::vector<Claim>, std::less<>> country_claims_;
  std::map<std::string, std::vector<Claim>, std::less<>> area_claims_;  ///< "continent:EU", "m49:150"
  std::vector<const std::vector<Claim>*> areas_by_size_;                ///< fewest countries first
  std::vector<Claim> everyone_claims_;
  std::vector<base::IpPrefix> named_networks_;
  std::vector<std::vector<base::IpPrefix>> chains_{{}};
  geo::PrefixTree networks_v4_{base::Family::V4, 0};
  geo::PrefixTree networks_v6_{base::Family::V6, 0};
  std::optional<base::Location> first_as_use_;
};

/// How a place is written in a map: `DE`, `continent:EU`, `AS3320`, `203.0.113.0/24`, `everyone`.
[[nodiscard]] std::string to_string(const config::PlaceRef& place);

}  // namespace meridian::compile

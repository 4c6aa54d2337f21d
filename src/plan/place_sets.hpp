// Which of several places (an expectation each) an address lies in, for every address of one family.
//
// Used with a lock-step walk: it says which trees to walk, and turns what they hold into a set. Each
// combination of facts is asked once. Not for the query path; one thread.
#pragma once

#include "base/fact_memo.hpp"
#include "config/compile/network_chains.hpp"
#include "config/compile/place_set.hpp"
#include "config/model.hpp"
#include "geo/geo_database.hpp"
#include "plan/lock_step.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace meridian::plan {

class PlaceSets {
 public:
  /// `wanted[i]` are the atoms of place i. All references must outlive the sets.
  PlaceSets(std::vector<const std::vector<compile::Atom>*> wanted, base::Family family,
            const std::vector<config::NetworksFile>& networks_files, const geo::GeoDatabase& database,
            const geo::Places& places);

  /// The trees whose values find() wants, in order.
  void append_trees(Trees& trees) const;

  /// The set of an address by what the trees hold for it; 0: in none of the places.
  [[nodiscard]] std::uint32_t find(std::span<const std::uint32_t> values);

  /// The places of a set, as indexes into `wanted`.
  [[nodiscard]] std::span<const std::uint32_t> members(std::uint32_t set) const noexcept {
    return sets_[set];
  }

 private:
  [[nodiscard]] std::uint32_t make(std::span<const std::uint32_t> values);

  std::vector<const std::vector<compile::Atom>*> wanted_;
  base::Family family_;
  const geo::GeoDatabase& database_;
  const geo::Places& places_;
  compile::NetworkChains chains_;  // of the networks that any atom names
  base::FactMemo<std::uint32_t> set_of_;
  std::vector<std::uint32_t> facts_;  // room for what set_of_ is asked by
  std::vector<std::vector<std::uint32_t>> sets_{{}};
  std::map<std::vector<std::uint32_t>, std::uint32_t> ids_{{{}, 0}};
};

}  // namespace meridian::plan

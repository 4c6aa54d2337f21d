// From a rule to an ordered list of tiers: what the rule names, then the rest of the fleet by distance.
//
// Used while compiling, never per query. docs/map-language.md gives the rules for operators.
#pragma once

#include "base/coordinates.hpp"
#include "base/diagnostics.hpp"
#include "base/ids.hpp"
#include "config/model.hpp"
#include "steering/tiers.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace meridian::compile {

/// The datacenters one map may use, in the order that breaks ties.
class TierOrder {
 public:
  /// Reports datacenters that are not defined. `complete` false: datacenters.yaml has errors, so a missing
  /// one is not told again.
  TierOrder(const config::MapDirectory& model, const config::Map& map, bool complete,
            base::Diagnostics& diagnostics);

  /// The tiers of `rule` for a client at `client` (nullopt: nothing known of it). `listed`: the datacenters
  /// on its line of a networks file, for a rule that takes them from there.
  [[nodiscard]] std::vector<steering::TierEntry> tiers(const config::Rule& rule,
                                                       const std::optional<base::Coordinates>& client,
                                                       std::span<const config::Word> listed = {}) const;

  /// True when tiers() depends on where the client is.
  [[nodiscard]] static bool depends_on_client(const config::Rule& rule) {
    return rule.order == config::Rule::Order::Nearest;
  }

  [[nodiscard]] std::optional<base::DatacenterId> find(const std::string& name) const;

 private:
  using Ids = std::vector<base::DatacenterId>;

  void check_names(const config::MapDirectory& model, const config::Map& map,
                   base::Diagnostics& diagnostics) const;
  [[nodiscard]] std::vector<steering::TierEntry> named_tiers(const config::Rule& rule,
                                                             std::span<const config::Word> listed) const;
  [[nodiscard]] Ids by_distance(const std::optional<base::Coordinates>& from) const;
  static void append(std::vector<steering::TierEntry>& tiers, const Ids& ids, std::size_t most);
  const std::vector<config::Datacenter>* datacenters_;
  std::map<std::string, base::DatacenterId, std::less<>> ids_;
  Ids universe_;                       ///< without named_only ones
  std::vector<Ids> by_distance_from_;  ///< by DatacenterId: the universe as seen from there
};

}  // namespace meridian::compile

// From a rule to an ordered list of tiers: what the rule names, then the rest of the fleet by distance.
//
// Used while compiling, never per query. docs/map-language.md gives the rules for operators.
#pragma once

#include "base/coordinates.hpp"
#include "base/diagnostics.hpp"
#include "base/ids.hpp"
#include "config/model.hpp"
#include "geo/distance.hpp"
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

  /// The same for a rule that depends on the client, by its `rule.nearest_count` nearest datacenters, as
  /// nearest() gives them.
  [[nodiscard]] std::vector<steering::TierEntry> tiers_by_nearest(
      const config::Rule& rule, std::span<const base::DatacenterId> nearest) const;

  /// The datacenters nearest to a client, nearest first, `count` at most; the order of the file between equal
  /// ones, and those without a position last. Takes the place of what `ids` holds.
  void nearest(const base::Coordinates& client, std::size_t count,
               std::vector<base::DatacenterId>& ids) const;

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
  static void append(std::vector<steering::TierEntry>& tiers, std::span<const base::DatacenterId> ids,
                     std::size_t most);
  void append_tail(std::vector<steering::TierEntry>& tiers) const;
  struct Site {
    base::DatacenterId id{};
    geo::UnitVector at;
  };
  std::map<std::string, base::DatacenterId, std::less<>> ids_;
  Ids universe_;                       ///< without named_only ones
  std::vector<Site> sites_;            ///< those of the universe that have a position
  Ids nowhere_;                        ///< those that have none
  std::vector<Ids> by_distance_from_;  ///< by DatacenterId: the universe as seen from there
};

}  // namespace meridian::compile

// The model, the databases and the zone files → one Snapshot. The only place that builds one.
//
// Slow and off line: runs on a builder thread or in meridianctl. Everything wrong in the map is told at once;
// with errors there is no snapshot, and whoever serves keeps the one it has.
#pragma once

#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "config/compile/expectation_index.hpp"
#include "config/compile/map_compiler.hpp"
#include "config/compile/settings_compiler.hpp"
#include "config/compile/stored_maps.hpp"
#include "config/load.hpp"
#include "config/model.hpp"
#include "geo/geo_database.hpp"
#include "geo/places.hpp"
#include "query/snapshot.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace meridian::compile {

/// One database of the site file, its files read.
struct NamedFiles {
  std::string name;
  std::vector<std::shared_ptr<const geo::GeoFile>> files;
};

/// What geography a map is compiled against; shared by every epoch that uses the same files.
struct Geography {
  std::shared_ptr<const geo::Places> places;
  std::vector<NamedFiles> databases;
};

/// How one compiled map came to be, for explain: rules with their places in the files, the databases as read.
struct MapRules {
  MapRules(RuleIndex index, std::optional<RuleIndex> resolver_index, TierOrder tier_order,
           geo::GeoDatabase geo_database)
      : rules(std::move(index)),
        resolvers(std::move(resolver_index)),
        order(std::move(tier_order)),
        database(std::move(geo_database)) {}

  RuleIndex rules;
  std::optional<RuleIndex> resolvers;  ///< absent: the map has no rules for resolvers
  TierOrder order;
  geo::GeoDatabase database;
};

/// Everything explain and plan need besides the snapshot. Immutable.
struct Rulebook {
  std::shared_ptr<const config::MapDirectory> model;
  Geography geography;
  std::vector<MapRules> maps;  ///< by MapId; empty for stored maps, whose rules nobody has read
  std::vector<Expectation> expectations;

  /// False for what compile_stored() made: there are no databases, rules or expectations to ask.
  [[nodiscard]] bool has_rules() const noexcept { return !maps.empty() || model->maps.empty(); }
};

/// Where to read from.
struct Sources {
  std::string map_folder;
  std::vector<config::GeoipDatabase> geoip;  ///< empty: the shipped country database
  std::string data_folder;                   ///< country.mmdb and places.json
  query::Settings settings = {};             ///< goes into the snapshot
};

struct Compiled {
  std::shared_ptr<const query::Snapshot> snapshot;
  std::shared_ptr<const Rulebook> rulebook;
  base::Diagnostics warnings;
  /// When the next rule ends (`until`) and the map must be compiled again.
  std::optional<std::chrono::system_clock::time_point> stale_at;
  /// Networks that stand in two networks files whose rules disagree.
  std::size_t networks_file_conflicts = 0;
};

/// Reads the databases a site file names, or the shipped one when it names none. `data_folder` holds
/// country.mmdb and places.json.
[[nodiscard]] base::Expected<Geography, base::Diagnostics> load_geography(
    const std::vector<config::GeoipDatabase>& databases, const std::string& data_folder);

/// `epoch`, `now` and `settings` go into the snapshot; rules whose last day was before `now` are left out.
/// The diagnostics of loading are part of the result either way.
[[nodiscard]] base::Expected<Compiled, base::Diagnostics> compile(config::LoadedMap loaded,
                                                                  const Geography& geography,
                                                                  std::uint64_t epoch,
                                                                  std::chrono::system_clock::time_point now,
                                                                  query::Settings settings = {});

/// A map whose tries and tier lists were compiled before (stored_maps.hpp), from the files it was compiled
/// from: no database is read, and no rule. Errors when the files do not go with `stored`.
[[nodiscard]] base::Expected<Compiled, base::Diagnostics> compile_stored(
    config::LoadedMap loaded, StoredMaps stored, std::uint64_t epoch,
    std::chrono::system_clock::time_point now, query::Settings settings = {});

/// All of it: databases, map directory, compile.
[[nodiscard]] base::Expected<Compiled, base::Diagnostics> load_and_compile(
    const Sources& sources, std::uint64_t epoch, std::chrono::system_clock::time_point now);

}  // namespace meridian::compile

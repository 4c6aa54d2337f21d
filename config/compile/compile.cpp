#include "config/compile/compile.hpp"

#include "config/compile/expiry.hpp"
#include "config/compile/map_warnings.hpp"
#include "config/compile/place_checks.hpp"
#include "config/compile/service_compiler.hpp"
#include "config/compile/zone_family.hpp"
#include "zone/zone_builder.hpp"
#include "zone/zone_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <future>
#include <map>
#include <set>
#include <utility>

namespace meridian::compile {
namespace {

/// Codes the databases use that places.json lacks.
std::vector<std::string> database_countries(const Geography& geography) {
  std::set<std::string> codes;
  for (const auto& database : geography.databases) {
    for (const auto& file : database.files) {
      for (const auto& place : file->places.areas()) {
        if (!place.country.empty()) codes.insert(place.country);
      }
    }
  }
  return {codes.begin(), codes.end()};
}

geo::GeoDatabase select_database(const config::Map& map, const Geography& geography,
                                 base::Diagnostics& diagnostics) {
  std::vector<std::shared_ptr<const geo::GeoFile>> files;
  const auto add = [&](const NamedFiles& database) {
    files.insert(files.end(), database.files.begin(), database.files.end());
  };
  if (map.geoip.empty()) {
    for (const auto& database : geography.databases) add(database);
  }
  std::vector<std::string> names;
  for (const auto& database : geography.databases) names.push_back(database.name);
  for (const auto& word : map.geoip) {
    const auto found = std::find_if(geography.databases.begin(), geography.databases.end(),
                                    [&](const NamedFiles& database) { return database.name == word.text; });
    if (found != geography.databases.end()) {
      add(*found);
    } else {
      diagnostics.error(word.where, fmt::format("the site file names no GeoIP database '{}'{}", word.text,
                                                base::suggestion(word.text, names)));
    }
  }
  return geo::GeoDatabase(std::move(files), *geography.places);
}

void build_rules(const config::LoadedMap& loaded, Rulebook& rulebook, base::Diagnostics& diagnostics) {
  const auto& model = *rulebook.model;
  const auto& geography = rulebook.geography;
  const auto extra_countries = database_countries(geography);
  PlaceResolver resolver(model, loaded.regions_complete, *geography.places, extra_countries, diagnostics);
  const auto index = [&](const config::Map& map, RuleSet rule_set) {
    return RuleIndex(model, map, rule_set, *geography.places, resolver, diagnostics);
  };
  auto& maps = rulebook.maps;
  for (const auto& map : model.maps) {
    auto rules = index(map, RuleSet::Clients);
    std::optional<RuleIndex> resolvers;
    if (!map.resolvers.empty()) resolvers = index(map, RuleSet::Resolvers);
    maps.emplace_back(std::move(rules), std::move(resolvers),
                      TierOrder(model, map, loaded.datacenters_complete, diagnostics),
                      select_database(map, geography, diagnostics));
    const auto& built = maps.back();
    check_places(built.rules, built.database, diagnostics);
    if (built.resolvers) check_places(*built.resolvers, built.database, diagnostics);
  }
  rulebook.expectations = resolve_expectations(loaded, model, resolver, diagnostics);
  if (loaded.maps_complete) resolver.check_all_regions();
}

/// Reads every zone file and adds the steered names; errors of all zones together.
zone::ZoneSet build_zones(const config::MapDirectory& model, base::Diagnostics& diagnostics) {
  std::vector<zone::ZoneBuilder> builders;
  for (const auto& file : model.zones) {
    builders.emplace_back(file.apex);
    diagnostics.append(zone::load_zone_file(file.path, builders.back(), model.path + "/zones"));
  }
  add_steered_names(model, builders, diagnostics);
  std::vector<zone::Zone> zones;
  for (auto& builder : builders) {
    base::Diagnostics warnings;
    auto zone = std::move(builder).build(warnings);
    diagnostics.append(warnings);
    if (zone) {
      zones.push_back(std::move(*zone));
    } else {
      diagnostics.append(zone.error());
    }
  }
  zone::ZoneSet set(std::move(zones));
  // What a zone that was left out would hold is not known.
  if (!diagnostics.has_errors()) {
    check_zone_family(set, model.zones, diagnostics);
    check_aliases(model, set, diagnostics);
  }
  return set;
}

std::shared_ptr<query::Snapshot> begin_snapshot(const config::MapDirectory& model, std::uint64_t epoch,
                                                std::chrono::system_clock::time_point now,
                                                query::Settings settings) {
  auto snapshot = std::make_shared<query::Snapshot>();
  snapshot->epoch = epoch;
  snapshot->built_at = now;
  snapshot->settings = std::move(settings);
  for (const auto& datacenter : model.datacenters) {
    snapshot->datacenters.push_back({datacenter.name.text, query::stable_hash(datacenter.name.text)});
  }
  return snapshot;
}

bool has_same_maps(const config::MapDirectory& model, const std::vector<query::SteeringMap>& maps) {
  return std::equal(model.maps.begin(), model.maps.end(), maps.begin(), maps.end(),
                    [](const auto& map, const auto& stored) { return map.name.text == stored.name; });
}

}  // namespace

base::Expected<Geography, base::Diagnostics> load_geography(
    const std::vector<config::GeoipDatabase>& databases, const std::string& data_folder) {
  base::Diagnostics diagnostics;
  Geography geography;
  if (auto places = geo::load_places(data_folder + "/places.json")) {
    geography.places = std::make_shared<const geo::Places>(std::move(*places));
  } else {
    return base::unexpected(places.error());
  }
  auto wanted = databases;
  if (wanted.empty()) wanted.push_back({"country", {data_folder + "/country.mmdb"}, {}});
  // A file that two databases name is decoded once: all maps share it. All at the same time: most often two,
  // of which each takes as long as the other.
  using Loaded = base::Expected<geo::GeoFile, base::Diagnostics>;
  std::map<std::string, std::future<Loaded>> loading;
  for (const auto& database : wanted) {
    for (const auto& path : database.files) {
      const auto [found, is_new] = loading.try_emplace(path);
      if (is_new)
        found->second =
            std::async(std::launch::async, geo::load_geo_file, path, std::cref(*geography.places));
    }
  }
  std::map<std::string, std::shared_ptr<const geo::GeoFile>> known;
  for (const auto& database : wanted) {
    NamedFiles named{database.name, {}};
    for (const auto& path : database.files) {
      const auto [found, is_new] = known.try_emplace(path);
      if (is_new) {
        if (auto file = loading.at(path).get()) {
          found->second = std::make_shared<const geo::GeoFile>(std::move(*file));
        } else {
          diagnostics.append(file.error());
        }
      }
      if (found->second) named.files.push_back(found->second);
    }
    geography.databases.push_back(std::move(named));
  }
  if (diagnostics.has_errors()) return base::unexpected(std::move(diagnostics));
  return geography;
}

base::Expected<Compiled, base::Diagnostics> compile(config::LoadedMap loaded, const Geography& geography,
                                                    std::uint64_t epoch,
                                                    std::chrono::system_clock::time_point now,
                                                    query::Settings settings) {
  base::Diagnostics diagnostics = loaded.diagnostics;
  auto rulebook = std::make_shared<Rulebook>();
  rulebook->geography = geography;
  const auto stale_at = drop_ended_rules(loaded.model, now, diagnostics);
  rulebook->model = std::make_shared<const config::MapDirectory>(std::move(loaded.model));
  const auto& model = *rulebook->model;
  build_rules(loaded, *rulebook, diagnostics);

  auto snapshot = begin_snapshot(model, epoch, now, std::move(settings));
  compile_services(loaded, model, rulebook->maps, *snapshot, diagnostics);
  const auto errors_before = diagnostics.error_count();
  snapshot->zones = build_zones(model, diagnostics);
  const bool zones_complete = loaded.zones_complete && diagnostics.error_count() == errors_before;
  find_asked_services(snapshot->zones, zones_complete && loaded.services_complete, model,
                      rulebook->expectations, diagnostics);
  if (diagnostics.has_errors()) return base::unexpected(std::move(diagnostics));

  steering::TierTableBuilder tiers;
  std::size_t conflicts = 0;
  std::vector<MapParts> parts;
  for (const auto& map : rulebook->maps)
    parts.push_back({&map.rules, map.resolvers ? &*map.resolvers : nullptr, &map.order, &map.database});
  auto compiled_maps = compile_maps(parts, tiers);
  for (std::size_t i = 0; i < compiled_maps.size(); ++i) {
    auto& compiled = compiled_maps[i];
    const auto& map = rulebook->maps[i];
    const auto* resolvers = parts[i].resolvers;
    warn_of_odd_rules(map.rules, map.database, compiled.rule_wins, *geography.places, diagnostics);
    conflicts += map.rules.file_conflict_count();
    if (resolvers != nullptr) {
      warn_of_odd_rules(*resolvers, map.database, compiled.resolver_rule_wins, *geography.places,
                        diagnostics);
      conflicts += resolvers->file_conflict_count();
    }
    snapshot->maps.push_back(std::move(compiled.map));
  }
  snapshot->tiers = std::move(tiers).build();
  warn_of_unreachable_datacenters(*snapshot, model, diagnostics);
  return Compiled{std::move(snapshot), std::move(rulebook), std::move(diagnostics), stale_at, conflicts};
}

base::Expected<Compiled, base::Diagnostics> compile_stored(config::LoadedMap loaded, StoredMaps stored,
                                                           std::uint64_t epoch,
                                                           std::chrono::system_clock::time_point now,
                                                           query::Settings settings) {
  base::Diagnostics diagnostics = loaded.diagnostics;
  auto rulebook = std::make_shared<Rulebook>();
  rulebook->model = std::make_shared<const config::MapDirectory>(std::move(loaded.model));
  const auto& model = *rulebook->model;
  auto snapshot = begin_snapshot(model, epoch, now, std::move(settings));
  compile_services(loaded, model, {}, *snapshot, diagnostics);
  snapshot->zones = build_zones(model, diagnostics);
  if (!has_same_maps(model, stored.maps))
    diagnostics.error({model.path, 0, 0}, "the stored maps are not those of these files");
  if (diagnostics.has_errors()) return base::unexpected(std::move(diagnostics));
  snapshot->maps = std::move(stored.maps);
  snapshot->tiers = std::move(stored.tiers);
  return Compiled{std::move(snapshot), std::move(rulebook), std::move(diagnostics), std::nullopt, 0};
}

base::Expected<Compiled, base::Diagnostics> load_and_compile(const Sources& sources, std::uint64_t epoch,
                                                             std::chrono::system_clock::time_point now) {
  const auto geography = load_geography(sources.geoip, sources.data_folder);
  if (!geography) return base::unexpected(geography.error());
  return compile(config::load_map_directory(sources.map_folder), *geography, epoch, now, sources.settings);
}

}  // namespace meridian::compile

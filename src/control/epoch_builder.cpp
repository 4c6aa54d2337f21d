#include "control/epoch_builder.hpp"

#include "base/log.hpp"
#include "base/secret_bytes.hpp"
#include "control/file_stamps.hpp"
#include "plan/emptied.hpp"
#include "plan/expectations.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace meridian::control {
namespace {

using base::Diagnostics;

constexpr std::string_view kAcceptHint = "; 'meridianctl geoip accept' takes it all the same";

std::vector<std::string> geography_stamps(const config::Site& site, const std::string& data_folder) {
  std::vector<std::string> stamps{file_stamp(data_folder + "/places.json")};
  if (site.geoip.empty()) stamps.push_back(file_stamp(data_folder + "/country.mmdb"));
  for (const auto& database : site.geoip) {
    stamps.push_back(database.name);
    for (const auto& file : database.files) stamps.push_back(file_stamp(file));
  }
  return stamps;
}

Diagnostics error_at(const std::string& file, std::string what) {
  Diagnostics errors;
  errors.error({file, 0, 0}, std::move(what));
  return errors;
}

/// The files under `fresh` names that are other ones than before.
std::vector<std::string> changed_files(const compile::Geography& before, const compile::Geography& fresh) {
  std::vector<std::string> changed;
  for (std::size_t d = 0; d < fresh.databases.size() && d < before.databases.size(); ++d) {
    const auto& files = fresh.databases[d].files;
    for (std::size_t i = 0; i < files.size() && i < before.databases[d].files.size(); ++i) {
      if (files[i] != before.databases[d].files[i]) changed.push_back(files[i]->path);
    }
  }
  return changed;
}

/// The site file names the same files under the same names; what is in them may differ.
bool names_same_files(const compile::Geography& left, const compile::Geography& right) {
  const auto left_facts = facts_of(left);
  const auto right_facts = facts_of(right);
  return std::equal(
      left_facts.begin(), left_facts.end(), right_facts.begin(), right_facts.end(),
      [](const auto& one, const auto& other) { return one.name == other.name && one.path == other.path; });
}

std::string first_error(const Diagnostics& problems) { return base::to_string(problems.sorted().front()); }

/// Files that are as they were keep what was read of them, so that the gate sees which ones changed.
void share_unchanged(const compile::Geography& before, const std::vector<std::string>& stamps_before,
                     const std::vector<std::string>& stamps, compile::Geography& fresh) {
  for (auto& database : fresh.databases) {
    for (auto& file : database.files) {
      const auto stamp = file_stamp(file->path);
      const auto has = [&](const auto& list) {
        return std::find(list.begin(), list.end(), stamp) != list.end();
      };
      if (!has(stamps_before) || !has(stamps)) continue;
      if (auto used = find_file(before, database.name, file->path)) file = std::move(used);
    }
  }
}

}  // namespace

/// What one build reads besides databases.
struct EpochBuilder::Sources {
  config::Site site;
  config::LoadedMap map;
  std::uint64_t number = 0;
  MapDigest digest;  ///< empty where nobody asks for it
  FeedNames feeds;
  std::vector<std::string> folder_stamps;
  Diagnostics warnings;
  compile::Geography geography;  ///< what it is compiled against
  std::vector<std::string> geography_stamps;
  std::vector<std::string> activated;  ///< databases of it that are used for the first time
};

ReadSite read_site_from(std::string path) {
  return [path = std::move(path)] { return config::load_site_file(path); };
}

EpochBuilder::EpochBuilder(ReadSite read_site, std::string data_folder, const base::Clock& clock,
                           stats::Counters& counters)
    : read_site_(std::move(read_site)),
      data_folder_(std::move(data_folder)),
      clock_(clock),
      counters_(counters) {
  base::fill_secret(own_secret_);
}

EpochBuilder::Compiled EpochBuilder::compile(const Sources& sources,
                                             const compile::Geography& geography) const {
  return compile::compile(sources.map, geography, sources.number, clock_.wall(),
                          compile::compile_settings(sources.site, own_secret_));
}

void EpochBuilder::hold(std::vector<std::string> files, std::vector<std::string> reasons,
                        std::vector<std::string> stamps) {
  is_holding_ = true;
  const bool is_new = !held_ || held_->stamps != stamps;
  const auto since = is_new ? clock_.wall() : held_->since;
  held_ = HeldUpdate{std::move(files), std::move(reasons), since, std::move(stamps)};
  if (!is_new) return;
  counters_.add(stats::Counter::GeoipHeld);
  base::log_event(base::LogLevel::Error, "geoip_held",
                  {{"files", fmt::format("{}", fmt::join(held_->files, " "))},
                   {"why", fmt::format("{}", fmt::join(held_->reasons, "; "))}});
}

/// The map with the databases to use: fresh ones, unless the gate holds them.
EpochBuilder::Compiled EpochBuilder::compile_with_databases(Sources& sources, const ReloadOrder& order) {
  const auto& site = sources.site;
  auto stamps = geography_stamps(site, data_folder_);
  const auto with = [&](compile::Geography geography, std::vector<std::string> its_stamps) {
    sources.geography = std::move(geography);
    sources.geography_stamps = std::move(its_stamps);
    return compile(sources, sources.geography);
  };
  if (geography_ && stamps == geography_stamps_) return with(*geography_, std::move(stamps));
  const bool is_known_held = held_ && held_->stamps == stamps && !order.accept_geoip && site.geoip_gate.on;
  if (geography_ && is_known_held) {
    is_holding_ = true;
    sources.warnings.warning({held_->files.front(), 0, 0}, to_text(*held_) + std::string{kAcceptHint});
    return with(*geography_, geography_stamps_);
  }
  auto fresh = compile::load_geography(site.geoip, data_folder_);
  if (!fresh) return base::unexpected(std::move(fresh.error()));
  if (!geography_) return with(std::move(*fresh), std::move(stamps));
  share_unchanged(*geography_, geography_stamps_, stamps, *fresh);
  sources.activated = changed_files(*geography_, *fresh);
  // Other files are in the site file because somebody put them there, and means it.
  if (!site.geoip_gate.on || order.accept_geoip || !names_same_files(*geography_, *fresh))
    return with(std::move(*fresh), std::move(stamps));
  return judge_databases(sources, std::move(*fresh), std::move(stamps));
}

/// Takes `fresh` or holds it. The map is compiled with both: what the databases move is not what the map's
/// own change moves.
EpochBuilder::Compiled EpochBuilder::judge_databases(Sources& sources, compile::Geography fresh,
                                                     std::vector<std::string> stamps) {
  auto before = compile(sources, *geography_);
  if (!before) return before;
  auto reasons = probe_databases(*geography_, fresh);
  auto after = compile(sources, fresh);
  if (!after) {
    reasons.push_back("the map does not compile with it: " + first_error(after.error()));
  } else if (const auto proof = plan::prove_expectations(*after->snapshot, *after->rulebook);
             proof.has_errors()) {
    reasons.push_back(first_error(proof));
  }
  if (after) {
    auto moved = judge_movement(*before, *after, sources.site.geoip_gate, sources.warnings);
    reasons.insert(reasons.end(), moved.begin(), moved.end());
  }
  if (reasons.empty()) {
    sources.geography = std::move(fresh);
    sources.geography_stamps = std::move(stamps);
    return after;
  }
  auto files = std::exchange(sources.activated, {});
  if (files.empty()) files.push_back(data_folder_ + "/places.json");
  hold(std::move(files), std::move(reasons), std::move(stamps));
  sources.warnings.warning({held_->files.front(), 0, 0}, to_text(*held_) + std::string{kAcceptHint});
  sources.geography = *geography_;
  sources.geography_stamps = geography_stamps_;
  return before;
}

/// Why what serves should go on although nothing but networks files or databases changed.
std::vector<std::string> EpochBuilder::judge_against(const Running& running, Sources& sources,
                                                     const compile::Compiled& compiled) {
  if (running.info.digest.files != sources.digest.files || running.info.digest.files.empty()) return {};
  // A restored epoch has no rules; those of the same files, compiled now, are its rules.
  auto before = running.compiled;
  if (!before.rulebook->has_rules()) before.rulebook = compiled.rulebook;
  return judge_movement(before, compiled, sources.site.geoip_gate, sources.warnings);
}

base::Expected<EpochBuilder::Sources, Diagnostics> EpochBuilder::read_sources(std::uint64_t number) const {
  auto loaded = read_site_();
  if (loaded.diagnostics.has_errors()) return base::unexpected(std::move(loaded.diagnostics));
  Sources sources{.site = std::move(loaded.site),
                  .map = {},
                  .number = number,
                  .digest = {},
                  .feeds = {},
                  .folder_stamps = {},
                  .warnings = std::move(loaded.diagnostics),
                  .geography = {},
                  .geography_stamps = {},
                  .activated = {}};
  const auto& folder = sources.site.map;
  append_folder_stamps(folder, sources.folder_stamps);
  sources.map = config::load_map_directory(folder);
  sources.feeds = feed_names(sources.map.model);
  if (sources.site.state.empty() && sources.feeds.empty()) return sources;
  auto digest = digest_map(folder, sources.feeds);
  if (!digest) return base::unexpected(error_at(folder, digest.error()));
  sources.digest = std::move(*digest);
  return sources;
}

/// The errors for which what was compiled must not serve in place of `running`.
Diagnostics EpochBuilder::refusal(const ReloadOrder& order, const Running& running, Sources& sources,
                                  const compile::Compiled& compiled) {
  if (!order.force) {
    const auto emptied = plan::find_emptied(*running.compiled.snapshot, *compiled.snapshot);
    if (!emptied.empty()) {
      counters_.add(stats::Counter::ReloadsEmptied);
      return error_at(sources.site.map,
                      fmt::format("would leave without an answer what has one now: {}; if that is meant, "
                                  "'meridianctl reload --force'",
                                  fmt::join(emptied, ", ")));
    }
  }
  const bool has_other_feeds = running.info.digest.feeds != sources.digest.feeds;
  // Those of a restored epoch were never compared in memory.
  const bool has_other_databases =
      !running.compiled.rulebook->has_rules() && running.info.stamps != sources.geography_stamps;
  if (!has_other_feeds && !has_other_databases) return {};
  if (!sources.site.geoip_gate.on || order.accept_geoip) return {};
  auto reasons = judge_against(running, sources, compiled);
  if (reasons.empty()) return {};
  std::vector<std::string> files;
  if (has_other_feeds) {
    for (const auto& feed : sources.feeds) files.push_back(sources.site.map + "/" + feed);
  } else {
    for (const auto& fact : facts_of(compiled.rulebook->geography)) files.push_back(fact.path);
  }
  auto stamps = sources.geography_stamps;
  stamps.push_back(sources.digest.feeds);
  hold(std::move(files), std::move(reasons), std::move(stamps));
  return error_at(sources.site.map, to_text(*held_) + std::string{kAcceptHint});
}

/// It may serve: from here on its databases are those in use.
BuiltEpoch EpochBuilder::finish(Sources sources, compile::Compiled compiled) {
  if (!is_holding_) held_.reset();
  geography_ = std::move(sources.geography);
  geography_stamps_ = std::move(sources.geography_stamps);
  if (!sources.activated.empty()) {
    counters_.add(stats::Counter::GeoipActivated, sources.activated.size());
    base::log_event(base::LogLevel::Info, "geoip_activated",
                    {{"files", fmt::format("{}", fmt::join(sources.activated, " "))}});
  }
  BuiltEpoch built;
  built.info = {.number = sources.number,
                .hash = {},
                .loaded_at = clock_.wall(),
                .version = MERIDIAN_VERSION,
                .digest = std::move(sources.digest),
                .feeds = std::move(sources.feeds),
                .databases = facts_of(compiled.rulebook->geography),
                .stamps = geography_stamps_};
  if (!sources.site.state.empty()) {
    built.maps = compile::write_stored_maps(*compiled.snapshot);
    built.info.hash = epoch_hash(built.info.digest, built.maps);
  }
  built.folder_stamps = std::move(sources.folder_stamps);
  built.warnings = std::move(sources.warnings);
  built.warnings.append(compiled.warnings);
  built.compiled = std::move(compiled);
  built.site = std::move(sources.site);
  return built;
}

base::Expected<BuiltEpoch, Diagnostics> EpochBuilder::build(const ReloadOrder& order, std::uint64_t number,
                                                            const Running* running,
                                                            const MapDigest& refused) {
  is_holding_ = false;
  auto sources = read_sources(number);
  if (!sources) return base::unexpected(std::move(sources.error()));
  if (!order.force && refused != MapDigest{} && sources->digest == refused) {
    return base::unexpected(error_at(sources->site.map,
                                     "is the map that was gone back from; change it, or take it again with "
                                     "'meridianctl reload --force'"));
  }
  auto compiled = compile_with_databases(*sources, order);
  if (!compiled) return base::unexpected(std::move(compiled.error()));
  const auto proof = plan::prove_expectations(*compiled->snapshot, *compiled->rulebook);
  if (proof.has_errors()) {
    if (running != nullptr) {  // else the start fails, and main tells why
      counters_.add(stats::Counter::ReloadsExpectationBroken);
      base::log_event(base::LogLevel::Error, "expectations_broken",
                      {{"broken", proof.error_count()}, {"epoch", running->info.number}});
    }
    return base::unexpected(proof);
  }
  if (running != nullptr) {
    auto refused_for = refusal(order, *running, *sources, *compiled);
    if (refused_for.has_errors()) return base::unexpected(std::move(refused_for));
  }
  sources->warnings.append(proof);
  return finish(std::move(*sources), std::move(*compiled));
}

base::Expected<BuiltEpoch, Diagnostics> EpochBuilder::rebuild(StoredEpoch stored, config::Site site,
                                                              bool is_quick) {
  auto map = config::load_map_directory(stored.map_folder);
  const auto settings = [&] { return compile::compile_settings(site, own_secret_); };
  const auto built = [&](compile::Compiled compiled) {
    BuiltEpoch epoch{.compiled = std::move(compiled),
                     .site = std::move(site),
                     .info = std::move(stored.info),
                     .maps = std::move(stored.maps),
                     .folder_stamps = {},
                     .warnings = {},
                     .refused = {}};
    epoch.warnings.append(epoch.compiled.warnings);
    return epoch;
  };
  if (!is_quick) {
    if (!geography_) {
      auto stamps = geography_stamps(site, data_folder_);
      if (auto fresh = compile::load_geography(site.geoip, data_folder_)) {
        geography_ = std::move(*fresh);
        geography_stamps_ = std::move(stamps);
      }
    }
    auto compiled = geography_
                        ? compile::compile(map, *geography_, stored.info.number, clock_.wall(), settings())
                        : Compiled(base::unexpected(Diagnostics{}));
    if (compiled && compile::write_stored_maps(*compiled->snapshot) == stored.maps)
      return built(std::move(*compiled));
  }
  auto maps = compile::read_stored_maps(stored.maps, map.model.datacenters.size());
  if (!maps) return base::unexpected(error_at(stored.map_folder, maps.error()));
  auto compiled = compile::compile_stored(std::move(map), std::move(*maps), stored.info.number, clock_.wall(),
                                          settings());
  if (!compiled) return base::unexpected(std::move(compiled.error()));
  return built(std::move(*compiled));
}

bool EpochBuilder::is_fresh(const EpochInfo& info, const config::Site& site) const {
  if (info.version != MERIDIAN_VERSION || info.stamps != geography_stamps(site, data_folder_)) return false;
  const auto digest = digest_map(site.map, info.feeds);
  return digest && *digest == info.digest;
}

}  // namespace meridian::control

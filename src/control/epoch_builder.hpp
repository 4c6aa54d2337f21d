// Makes an epoch out of what operators wrote: site file, map directory and databases are read, compiled and
// proven, and what must not happen by accident is refused.
//
// Changes nothing that serves. Slow; one thread at a time. The GeoIP files are read again only when they
// changed, and what the gate holds is not used.
#pragma once

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "config/compile/compile.hpp"
#include "config/load.hpp"
#include "config/model.hpp"
#include "control/epoch_store.hpp"
#include "control/geoip_gate.hpp"
#include "dns/cookie.hpp"
#include "stats/counters.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace meridian::control {

/// Reads the site file anew.
using ReadSite = std::function<config::LoadedSite()>;

/// Where a site file is read from.
[[nodiscard]] ReadSite read_site_from(std::string path);

/// What is asked for besides reading everything anew.
struct ReloadOrder {
  bool force = false;  ///< names may be left without an answer, files that were gone back from may return
  bool accept_geoip = false;      ///< changed databases and networks files are taken whatever they move
  std::uint64_t rollback_to = 0;  ///< an epoch that is kept, instead of the map directory; 0: none

  friend bool operator==(const ReloadOrder&, const ReloadOrder&) = default;
};

/// What serves, as far as a new epoch is held against it.
struct Running {
  compile::Compiled compiled;
  EpochInfo info;
};

struct BuiltEpoch {
  compile::Compiled compiled;
  config::Site site;
  EpochInfo info;
  std::vector<std::uint8_t> maps;          ///< for the store; empty without one
  std::vector<std::string> folder_stamps;  ///< of the map directory before it was read; for the store as well
  base::Diagnostics warnings;
  MapDigest refused;  ///< files that are gone back from with it; empty: none
};

class EpochBuilder {
 public:
  EpochBuilder(ReadSite read_site, std::string data_folder, const base::Clock& clock,
               stats::Counters& counters);

  [[nodiscard]] config::LoadedSite read_site() const { return read_site_(); }

  /// `running`: nullptr at the start. `refused`: digest of files that come back by force alone.
  [[nodiscard]] base::Expected<BuiltEpoch, base::Diagnostics> build(const ReloadOrder& order,
                                                                    std::uint64_t number,
                                                                    const Running* running,
                                                                    const MapDigest& refused);

  /// A kept epoch as it was, with the databases at hand where they give the same map, else as it was stored.
  /// `is_quick`: as stored, and no database is read.
  [[nodiscard]] base::Expected<BuiltEpoch, base::Diagnostics> rebuild(StoredEpoch stored, config::Site site,
                                                                      bool is_quick);

  /// True when reading the sources again would only make the same epoch.
  [[nodiscard]] bool is_fresh(const EpochInfo& info, const config::Site& site) const;

  /// Signs cookies where the site file has no secret.
  [[nodiscard]] const dns::CookieSecret& own_secret() const noexcept { return own_secret_; }
  void set_own_secret(const dns::CookieSecret& secret) noexcept { own_secret_ = secret; }

  /// Changed files that are not used.
  [[nodiscard]] const std::optional<HeldUpdate>& held() const noexcept { return held_; }

 private:
  struct Sources;
  using Compiled = base::Expected<compile::Compiled, base::Diagnostics>;

  [[nodiscard]] Compiled compile(const Sources& sources, const compile::Geography& geography) const;
  [[nodiscard]] base::Expected<Sources, base::Diagnostics> read_sources(std::uint64_t number) const;
  [[nodiscard]] Compiled compile_with_databases(Sources& sources, const ReloadOrder& order);
  [[nodiscard]] Compiled judge_databases(Sources& sources, compile::Geography fresh,
                                         std::vector<std::string> stamps);
  [[nodiscard]] std::vector<std::string> judge_against(const Running& running, Sources& sources,
                                                       const compile::Compiled& compiled);
  [[nodiscard]] base::Diagnostics refusal(const ReloadOrder& order, const Running& running, Sources& sources,
                                          const compile::Compiled& compiled);
  [[nodiscard]] BuiltEpoch finish(Sources sources, compile::Compiled compiled);
  void hold(std::vector<std::string> files, std::vector<std::string> reasons,
            std::vector<std::string> stamps);

  ReadSite read_site_;
  std::string data_folder_;
  const base::Clock& clock_;
  stats::Counters& counters_;
  dns::CookieSecret own_secret_{};
  std::optional<compile::Geography> geography_;
  std::vector<std::string> geography_stamps_;
  std::optional<HeldUpdate> held_;
  bool is_holding_ = false;  ///< in the build that runs
};

}  // namespace meridian::control

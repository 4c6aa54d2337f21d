// Builds epochs in the background and publishes them whole: site file and map are read, compiled and swapped
// in on a thread of its own while the workers go on with the old ones. Whatever has an error, nothing
// changes. When a rule of the map ends (`until`), a new epoch is built by itself.
//
// Thread-safe. The GeoIP files are read again only when they changed.
#pragma once

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "base/published.hpp"
#include "config/compile/compile.hpp"
#include "config/model.hpp"
#include "control/shedding.hpp"
#include "dns/cookie.hpp"
#include "query/snapshot.hpp"
#include "stats/counters.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace meridian::control {

/// What is served: a snapshot with its tables, the rules behind it for explain, and the site file.
struct Serving {
  std::shared_ptr<const query::Snapshot> snapshot;
  std::shared_ptr<query::Tables> tables;
  std::shared_ptr<const compile::Rulebook> rulebook;
  std::shared_ptr<const config::Site> site;
};

/// Reads the site file anew.
using ReadSite = std::function<config::LoadedSite()>;

/// Where a site file is read from.
[[nodiscard]] ReadSite read_site_from(std::string path);

/// Called once the new epoch serves; may not fail.
using Commit = std::function<void()>;
/// Readies what a new site file changes beside the epoch (sockets, say) without changing it yet, and may
/// warn. After an error nothing is published; a Commit that is never called lets go of what was readied.
using Prepare = std::function<base::Expected<Commit, base::Diagnostics>(const config::Site& next,
                                                                        base::Diagnostics& warnings)>;

struct ReloadResult {
  bool ok = false;
  std::uint64_t epoch = 0;  ///< what serves now, whether it is new or not
  base::Diagnostics diagnostics;
  std::chrono::milliseconds took{0};
};

class Reloader {
 public:
  using Done = std::function<void(const ReloadResult&)>;

  /// `data_folder`: country.mmdb and places.yaml. `counters` is the builder thread's block.
  Reloader(ReadSite read_site, std::string data_folder, const base::Clock& clock, stats::Counters& counters);
  ~Reloader();
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

  /// Signs cookies where the site file has no secret. Whoever takes over from another server goes on with
  /// that one's, before load_first().
  [[nodiscard]] const dns::CookieSecret& own_secret() const noexcept { return own_secret_; }
  void set_own_secret(const dns::CookieSecret& secret) noexcept { own_secret_ = secret; }

  /// Builds the first epoch on the calling thread. Nothing is served when it fails.
  [[nodiscard]] base::Expected<void, base::Diagnostics> load_first();

  /// What each reload does beside publishing; before start().
  void set_prepare(Prepare prepare) { prepare_ = std::move(prepare); }

  /// What is kept of datacenters is written into each new epoch; before load_first(). It outlives this.
  void set_shedding(Shedding& shedding) { shedding_ = &shedding; }

  /// Starts the builder thread; only after load_first().
  void start();
  /// Ends it; what was requested is built first, and every caller is told. May be called twice.
  void stop();

  /// Asks for a new epoch; `done` is called on the builder thread. Requests that come while one waits are
  /// answered by the same build, which starts after all of them came, so none sees files older than its
  /// request. After stop() it is told at once that nothing was read.
  void request(Done done);

  /// What workers read from; valid after load_first().
  [[nodiscard]] const base::Published<Serving>& serving() const noexcept { return *serving_; }

  [[nodiscard]] ReloadResult last_result() const;

 private:
  void run();
  [[nodiscard]] ReloadResult build();
  [[nodiscard]] base::Expected<base::Diagnostics, base::Diagnostics> build_and_publish();
  [[nodiscard]] base::Expected<compile::Geography, base::Diagnostics> current_geography(
      const config::Site& site);
  /// Tells that the map that was read breaks what must stay true of it; gives the problems back.
  [[nodiscard]] base::Diagnostics refuse_broken(const base::Diagnostics& proof);
  void publish(compile::Compiled compiled, config::Site site);
  void free_retired();
  [[nodiscard]] bool is_stale() const;
  [[nodiscard]] ReloadResult too_late() const;

  ReadSite read_site_;
  std::string data_folder_;
  Prepare prepare_;
  Shedding* shedding_ = nullptr;
  const base::Clock& clock_;
  stats::Counters& counters_;
  dns::CookieSecret own_secret_{};
  std::unique_ptr<base::Published<Serving>> serving_;

  // Builder thread only (and load_first before it starts).
  std::optional<compile::Geography> geography_;
  std::vector<std::string> geography_stamp_;
  std::uint64_t epoch_ = 0;
  /// When a rule of the epoch that serves ends, or when a build after that is tried again.
  std::optional<std::chrono::system_clock::time_point> stale_at_;
  /// Epochs that were replaced but may still be in a worker's hands. They are freed here once nobody else has
  /// them: giving back the memory of a map takes milliseconds that no query should wait for.
  std::vector<std::shared_ptr<const Serving>> retired_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Done> waiting_;
  ReloadResult last_;
  bool stopping_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace meridian::control

// Builds epochs in the background and publishes them whole: site file and map are read, compiled and swapped
// in on a thread of its own while the workers go on with the old ones. Whatever has an error, nothing
// changes. When a rule of the map ends (`until`), a new epoch is built by itself.
//
// With a state folder the last epochs are kept on the disk, so that a start does not depend on its sources
// and an operator can go back.
//
// Thread-safe.
#pragma once

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "base/published.hpp"
#include "config/compile/compile.hpp"
#include "config/model.hpp"
#include "control/answer_totals.hpp"
#include "control/epoch_builder.hpp"
#include "control/epoch_store.hpp"
#include "control/health_keeper.hpp"
#include "control/overrides.hpp"
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
  EpochInfo info;  ///< without a state folder its hash is empty
};

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

  /// Stands for all where there is room for one: the first by file and line. Absent: there is none.
  [[nodiscard]] std::optional<base::Diagnostic> first_error() const;
};

class Reloader {
 public:
  using Done = std::function<void(const ReloadResult&)>;

  /// `data_folder`: country.mmdb and places.json. `counters` is the builder thread's block.
  Reloader(ReadSite read_site, std::string data_folder, const base::Clock& clock, stats::Counters& counters);
  ~Reloader();
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

  /// Signs cookies where the site file has no secret. Whoever takes over from another server goes on with
  /// that one's, before load_first().
  [[nodiscard]] const dns::CookieSecret& own_secret() const noexcept { return builder_.own_secret(); }
  void set_own_secret(const dns::CookieSecret& secret) noexcept { builder_.set_own_secret(secret); }

  /// Where the first epoch comes from.
  enum class StartFrom : std::uint8_t {
    LastEpoch,  ///< that is kept, if any; the builder reads the sources then
    Sources,    ///< unless they did not change, or are the map that was gone back from
  };
  /// Readies it on the calling thread. Nothing is served when it cannot be had.
  [[nodiscard]] base::Expected<void, base::Diagnostics> load_first(StartFrom from = StartFrom::LastEpoch);

  /// What each reload does beside publishing; before start().
  void set_prepare(Prepare prepare) { prepare_ = std::move(prepare); }

  /// Told of each reload that changed nothing, whoever asked for it, on the builder thread; before start().
  void set_on_failed(Done on_failed) { on_failed_ = std::move(on_failed); }

  /// They are written into each new epoch; before load_first(). It outlives this.
  void set_overrides(Overrides& overrides) { overrides_ = &overrides; }
  /// Writes what is known of endpoints into each epoch's tables; before the first load. Without one the words
  /// of the last epoch are carried as they are.
  void set_health(HealthKeeper& health) { health_ = &health; }

  /// Each new epoch tallies what `threads` answer, and is handed to `answers`; before load_first(). It
  /// outlives this.
  void set_answers(AnswerTotals& answers, std::size_t threads) {
    answers_ = &answers;
    answering_threads_ = threads;
  }

  /// Starts the builder thread; only after load_first().
  void start();
  /// Ends it; what was requested is built first, and every caller is told. May be called twice.
  void stop();

  /// Asks for a new epoch; `done` is called on the builder thread. Requests that come while one waits are
  /// answered by the same build, which starts after all of them came, so none sees files older than its
  /// request. After stop() it is told at once that nothing was read.
  void request(Done done) { request({}, std::move(done)); }
  void request(ReloadOrder order, Done done);

  /// What workers read from; valid after load_first().
  [[nodiscard]] const base::Published<Serving>& serving() const noexcept { return *serving_; }

  [[nodiscard]] ReloadResult last_result() const;

  /// Changed GeoIP or networks files that are not used.
  [[nodiscard]] std::optional<HeldUpdate> held() const;

  /// What is kept on the disk, newest first; reads it there.
  [[nodiscard]] std::vector<EpochInfo> kept_epochs() const;

 private:
  using Built = base::Expected<BuiltEpoch, base::Diagnostics>;
  struct Waiting {
    ReloadOrder order;
    Done done;
  };

  void run();
  void complete_restored();
  [[nodiscard]] std::vector<Waiting> take_waiting();
  [[nodiscard]] std::optional<BuiltEpoch> open_last(const config::Site& site);
  [[nodiscard]] bool is_rolled_back(const BuiltEpoch& last) const;
  void restore(BuiltEpoch last);
  [[nodiscard]] ReloadResult build(const std::function<Built()>& make);
  [[nodiscard]] Built make(const ReloadOrder& order);
  [[nodiscard]] Built roll_back(std::uint64_t number);
  [[nodiscard]] std::optional<Running> running() const;
  [[nodiscard]] base::Expected<base::Diagnostics, base::Diagnostics> serve(BuiltEpoch built);
  void keep(const BuiltEpoch& built, base::Diagnostics& warnings);
  void publish(compile::Compiled compiled, config::Site site, EpochInfo info);
  void free_retired();
  [[nodiscard]] bool is_stale() const;
  [[nodiscard]] ReloadResult too_late() const;

  EpochBuilder builder_;
  Prepare prepare_;
  Done on_failed_ = [](const ReloadResult&) {};
  Overrides* overrides_ = nullptr;
  AnswerTotals* answers_ = nullptr;
  std::size_t answering_threads_ = 0;
  HealthKeeper* health_ = nullptr;
  const base::Clock& clock_;
  stats::Counters& counters_;
  std::unique_ptr<base::Published<Serving>> serving_;

  // Builder thread only (and load_first before it starts).
  std::optional<EpochStore> store_;
  std::uint64_t epoch_ = 0;             ///< the highest number so far
  std::optional<BuiltEpoch> restored_;  ///< what serves comes from the disk; its sources have yet to be read
  /// When a rule of the epoch that serves ends, or when a build after that is tried again.
  std::optional<std::chrono::system_clock::time_point> stale_at_;
  /// Epochs that were replaced but may still be in a worker's hands. They are freed here once nobody else has
  /// them: giving back the memory of a map takes milliseconds that no query should wait for.
  std::vector<std::shared_ptr<const Serving>> retired_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Waiting> waiting_;
  ReloadResult last_;
  std::optional<HeldUpdate> held_;
  std::string state_folder_;  ///< empty: none
  bool stopping_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace meridian::control

// Probing, wired: what the epoch that serves wants probed goes to the probe thread, and results and reports
// to the health keeper, whose changes the journal writes down.
//
// Calls are thread-safe but for start() and stop().
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "control/health_keeper.hpp"
#include "control/health_reports.hpp"
#include "journal/journal.hpp"
#include "probe/engine.hpp"
#include "probe/push_leases.hpp"
#include "stats/counters.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace meridian::meridiand {

class HealthWatch final : public control::HealthReports {
 public:
  /// All outlive it. The block of `probe_counters` is the probe thread's.
  HealthWatch(const base::Clock& clock, control::HealthKeeper& keeper, stats::Counters& probe_counters);
  ~HealthWatch() override;

  /// Takes the last states from the journal, and probes what the first epoch wants; behind its publish().
  /// Returns when the first round is done or limits::kProbeFirstRoundMs have passed: at once where the
  /// journal knew every target.
  void start(journal::Journal& journal);
  /// Probes no more.
  void stop();

  /// Another epoch serves: probes what that one wants.
  void follow();

  /// Looks at what time alone changes; once a second.
  void advance();

  /// See HealthReports.
  [[nodiscard]] base::Expected<void, std::string> report(const control::HealthReport& report) override;

 private:
  using Targets = std::vector<control::WatchedTarget>;
  /// Targets that report of themselves, by check and address.
  using Pushed = std::map<std::pair<std::string, base::IpAddress>, std::size_t>;

  void set_targets();
  void on_result(std::uint64_t round, std::size_t target, const health::ProbeResult& result);
  void on_first_round(std::uint64_t round);

  const base::Clock& clock_;
  control::HealthKeeper& keeper_;
  stats::Counters& probe_counters_;

  std::mutex mutex_;
  std::condition_variable round_done_;
  std::uint64_t round_ = 0;                                          ///< counts follow()
  std::uint64_t round_ended_ = 0;                                    ///< the last whose first round is over
  std::map<std::uint64_t, std::shared_ptr<const Targets>> targets_;  ///< by round: this one and the last
  Pushed pushed_;                                                    ///< of this round's targets
  probe::PushLeases leases_{0};                                      ///< of the same
  std::unique_ptr<probe::Engine> engine_;
};

}  // namespace meridian::meridiand

// The query log and dnstap as main sees them: a tap for each worker, and what the site file wants of both.
//
// Thread-safe.
#pragma once

#include "base/clock.hpp"
#include "config/model.hpp"
#include "querylog/channel.hpp"
#include "querylog/dnstap_frame.hpp"
#include "querylog/tap.hpp"
#include "stats/counters.hpp"

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace meridian::querylog {

class Recorder {
 public:
  /// `version` is meridiand's. `clock` and `counters` outlive the recorder.
  Recorder(std::string version, const base::Clock& clock, stats::CounterRegistry& counters);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder() { stop(); }

  /// For one worker thread, whose block `counters` is. What it recorded is still written when it is gone.
  [[nodiscard]] std::shared_ptr<Tap> make_tap(stats::Counters& counters, std::uint64_t seed);

  /// What the site file says now; also with nothing changed, since it opens the query log's file again
  /// (logrotate). Returns within limits::kRecordReopenWaitMs a lane.
  void configure(const config::Site& site);

  /// Writes what the rings hold and ends the writer threads. May be called twice.
  void stop();

 private:
  /// What one lane was last configured to.
  struct Target {
    std::string path;  ///< Empty: off.
    std::uint32_t sample = 0;
    friend bool operator==(const Target&, const Target&) = default;
  };

  void configure_lane(Lane lane, const Target& target, std::unique_ptr<Sink> sink);
  void set_sample(Tap& tap, Lane lane);
  [[nodiscard]] Channel& channel_of(Lane lane) noexcept {
    return lane == Lane::QueryLog ? query_log_ : dnstap_;
  }

  const std::string version_;
  const base::Clock& clock_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Tap>> taps_;      ///< Of workers that run.
  std::array<Target, kLaneCount> targets_{};  ///< By Lane.
  std::string identity_;
  std::array<stats::Counters*, kLaneCount> counters_;  ///< Each of one writer thread.
  Channel query_log_{"query-log"};
  Channel dnstap_{"dnstap"};
};

}  // namespace meridian::querylog

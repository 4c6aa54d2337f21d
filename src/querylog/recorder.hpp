// The query log, dnstap and demand as main sees them: a tap for each worker, and what the site file wants.
//
// Thread-safe.
#pragma once

#include "base/clock.hpp"
#include "config/model.hpp"
#include "querylog/channel.hpp"
#include "querylog/demand_book.hpp"
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

  /// Where queries come from. As long as the recorder.
  [[nodiscard]] DemandBook& demand() noexcept { return demand_book_; }

 private:
  /// What one lane was last configured to.
  struct Target {
    std::string path;
    std::uint32_t sample = 0;  ///< 0: off.
    friend bool operator==(const Target&, const Target&) = default;
  };

  void configure_query_log(const config::Site& site);
  void configure_dnstap(const config::Site& site);
  void configure_demand(const config::Site& site);
  void configure_lane(Lane lane, const Target& target, std::unique_ptr<Sink> sink);
  void set_sample(Tap& tap, Lane lane);
  [[nodiscard]] Channel& channel_of(Lane lane) noexcept { return channels_[index_of(lane)]; }
  [[nodiscard]] static constexpr std::size_t index_of(Lane lane) noexcept {
    return static_cast<std::size_t>(lane);
  }

  const std::string version_;
  const base::Clock& clock_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Tap>> taps_;      ///< Of workers that run.
  std::array<Target, kLaneCount> targets_{};  ///< By Lane.
  std::string identity_;
  std::array<stats::Counters*, kLaneCount> counters_;  ///< Each of one writer thread.
  DemandBook demand_book_;
  std::array<Channel, kLaneCount> channels_{Channel{"query-log"}, Channel{"dnstap"}, Channel{"demand"}};
};

}  // namespace meridian::querylog

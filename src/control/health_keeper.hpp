// What is known of every endpoint, and what of it is believed: results of probes go in, the health table and
// changes of state come out.
//
// It judges and does no I/O: whoever runs probes hands it their results, whoever keeps a journal its changes.
// Between a result and the table stand, in this order, the endpoint's own state machine, the watch over its
// check, and the guard of its service (health/). Kept by identity, so that states outlive reloads.
// Thread-safe.
#pragma once

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "config/check.hpp"
#include "control/event_budget.hpp"
#include "control/health_state.hpp"
#include "control/probe_tally.hpp"
#include "health/probe_result.hpp"
#include "query/snapshot.hpp"
#include "stats/counters.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::control {

/// What is to be probed.
struct WatchedTarget {
  std::shared_ptr<const config::Check> check;
  base::IpAddress address;
};

/// One endpoint that serves otherwise than before.
struct HealthChange {
  std::string service;
  std::string datacenter;
  base::IpAddress address;
  std::string check;
  health::EndpointState from{};
  health::EndpointState to{};
  std::string cause;
  std::chrono::system_clock::time_point at;
};

/// As an event tells it, with the keys of `GET /v1/history`.
[[nodiscard]] boost::json::object to_json(const HealthChange& change);

/// What a target's probes showed, for another process or after a restart.
struct TargetState {
  std::string check;
  base::IpAddress address;
  health::EndpointState state{};
  std::string cause;
  std::chrono::system_clock::time_point since;
};

/// What the metrics page tells of health beyond the tables.
struct HealthFigures {
  std::map<ProbeTally::Key, ProbeCounts> probes;       ///< of all epochs
  std::vector<std::pair<std::string, bool>> checks;    ///< each of the epoch, and whether it is suspect
  std::vector<std::pair<std::string, bool>> services;  ///< each that is probed, and whether it panics
};

class HealthKeeper {
 public:
  /// `counters` is a block that only calls of this object add to.
  HealthKeeper(const base::Clock& clock, stats::Counters& counters) : clock_(clock), counters_(counters) {}
  HealthKeeper(const HealthKeeper&) = delete;
  HealthKeeper& operator=(const HealthKeeper&) = delete;

  /// Called for each change, in order, while the keeper is locked: it must be short and not call back. Before
  /// the first epoch.
  void set_on_change(std::function<void(const HealthChange&)> on_change) {
    on_change_ = std::move(on_change);
  }

  /// Writes what is known into the tables of a new epoch and then calls `publish`; from then on results go
  /// there. State machines are carried where check and address are the same; where only the check's content
  /// changed, the last state holds until the new one has its own.
  void publish(std::shared_ptr<const query::Snapshot> snapshot, std::shared_ptr<query::Tables> tables,
               const std::function<void()>& publish);

  /// What the epoch that serves wants probed; each only once.
  [[nodiscard]] std::vector<WatchedTarget> targets() const;

  /// A probe ended. Results of checks that the epoch does not have are counted and dropped.
  void on_result(const config::Check& check, const base::IpAddress& address,
                 const health::ProbeResult& result);

  /// Looks at what time alone changes; once a second.
  void advance();

  /// What was known before a restart; behind the first publish(), before the first result. States of targets
  /// that the epoch does not have, and of those with results, are left out. Returns how many were taken.
  std::size_t restore(std::span<const TargetState> states);
  /// For restore() elsewhere: targets whose state is up or down.
  [[nodiscard]] std::vector<TargetState> states() const;

  /// For `GET /v1/health`: checks, and services with their endpoints. `service`: only that one; empty: all.
  [[nodiscard]] boost::json::object status(std::string_view service = {}) const;

  /// See HealthState::not_up.
  [[nodiscard]] std::vector<explain::EndpointStep> not_up(std::string_view service) const;
  [[nodiscard]] HealthFigures figures() const;

 private:
  const base::Clock& clock_;
  stats::Counters& counters_;
  std::function<void(const HealthChange&)> on_change_;
  EventBudget budget_;
  mutable std::mutex mutex_;
  ProbeTally tally_;
  std::unique_ptr<HealthState> state_;  ///< of the epoch that serves; nullptr before the first
};

}  // namespace meridian::control

// The inside of a HealthKeeper for one epoch: state machines by target, watches by check, guards by service.
//
// Not thread-safe; HealthKeeper locks. Times are given.
#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "explain/explain.hpp"
#include "health/check_watch.hpp"
#include "health/endpoint_health.hpp"
#include "health/panic.hpp"
#include "health/probe_result.hpp"
#include "query/snapshot.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::control {

/// Who wants to know of what happens to endpoints, checks and services: the keeper's log, counters and
/// journal.
class HealthListener {
 public:
  HealthListener() = default;
  HealthListener(const HealthListener&) = delete;
  HealthListener& operator=(const HealthListener&) = delete;
  virtual ~HealthListener() = default;

  struct Change {
    const query::ProbeTarget::Feed& feed;
    const query::ProbeTarget& target;
    health::EndpointState from;
    health::EndpointState to;
    const std::string& cause;
  };
  virtual void on_endpoint(const Change& change) = 0;
  virtual void on_suspect(std::uint32_t check, std::size_t endpoints, bool is_suspect) = 0;
  virtual void on_panic(base::ServiceId service, const health::PanicGuard& guard) = 0;
  virtual void on_release(base::ServiceId service, base::DatacenterId datacenter, bool is_over) = 0;
  virtual void on_capacity(base::ServiceId service, bool fails_open) = 0;
};

class HealthState {
 public:
  /// Everything unknown since `now`.
  HealthState(std::shared_ptr<const query::Snapshot> snapshot, std::shared_ptr<query::Tables> tables,
              base::MonotonicTime now);

  /// Takes over what another epoch's state knew, and tells nobody: nothing has happened.
  void carry(const HealthState& last, base::MonotonicTime now);
  /// Writes every probed endpoint's word and every service's capacity, and tells nobody.
  void write_all(base::MonotonicTime now);

  /// The position of a target; nullopt: the epoch has none such.
  [[nodiscard]] std::optional<std::size_t> find(const config::Check& check,
                                                const base::IpAddress& address) const;

  void observe(std::size_t target, const health::ProbeResult& result, base::MonotonicTime now,
               HealthListener& listener);
  void advance(base::MonotonicTime now, HealthListener& listener);
  /// Whether it was taken: only where there is no result yet.
  bool restore(std::size_t target, health::EndpointState state, std::string_view cause,
               base::MonotonicTime since, base::MonotonicTime now);

  [[nodiscard]] const query::Snapshot& snapshot() const noexcept { return *snapshot_; }
  [[nodiscard]] const query::Tables& tables() const noexcept { return *tables_; }
  [[nodiscard]] const health::EndpointHealth& health_of(std::size_t target) const {
    return machines_[target].health;
  }
  [[nodiscard]] boost::json::object to_json(std::string_view service, base::MonotonicTime now) const;
  /// Probed endpoints of the service that are not simply up, with the reason.
  [[nodiscard]] std::vector<explain::EndpointStep> not_up(std::string_view service,
                                                          base::MonotonicTime now) const;
  /// Each check and whether it is suspect, each probed service and whether it panics.
  void add_alarms(std::vector<std::pair<std::string, bool>>& checks,
                  std::vector<std::pair<std::string, bool>>& services) const;

 private:
  struct Machine {
    health::EndpointHealth health;
    std::size_t member = 0;  ///< in its check's watch
    std::uint8_t weight_percent = 100;
    std::string warning;
    std::chrono::microseconds took{};
  };
  /// An endpoint that is probed.
  struct Served {
    std::size_t target = 0;
    std::size_t feed = 0;    ///< in the target's
    std::size_t member = 0;  ///< in its service's guard; with is_guarded
    bool is_guarded = false;
    health::EndpointState state = health::EndpointState::Unknown;
    health::EndpointState last_serving =
        health::EndpointState::Unknown;  ///< what it was before it was wanted down
    base::MonotonicTime since{};
  };

  [[nodiscard]] const query::ProbeTarget& target_at(std::size_t target) const {
    return snapshot_->probe_targets[target];
  }
  [[nodiscard]] const query::ProbeTarget::Feed& feed_of(const Served& served) const {
    return target_at(served.target).feeds[served.feed];
  }
  [[nodiscard]] std::uint64_t capacity_of(const query::ProbeTarget::Feed& feed) const;
  [[nodiscard]] health::CheckWatch& watch_of(std::size_t target) { return watches_[target_at(target).check]; }
  [[nodiscard]] const health::CheckWatch& watch_of(std::size_t target) const {
    return watches_[target_at(target).check];
  }
  [[nodiscard]] bool is_doubted(std::size_t target) const {
    return watch_of(target).is_doubted(machines_[target].member);
  }
  [[nodiscard]] bool is_kept(const Served& served) const;
  /// Why it serves although its probes say that it is down; empty: it does not.
  [[nodiscard]] std::string_view kept_by(const Served& served) const;
  /// What is believed of a target: it is down, unless its check is suspect.
  [[nodiscard]] bool is_believed_down(std::size_t target) const;
  [[nodiscard]] health::EndpointWord word_of(const Served& served, base::MonotonicTime now) const;
  [[nodiscard]] std::optional<base::MonotonicTime> next_change(const Served& served) const;

  void watch(std::size_t target, bool had_failures, base::MonotonicTime now, HealthListener& listener);
  /// Tells the guards what the target's endpoints should be, and serves them.
  void apply(std::size_t target, base::MonotonicTime now, HealthListener& listener);
  void apply_check(std::uint32_t check, base::MonotonicTime now, HealthListener& listener);
  /// What the endpoint is by all that is known.
  void settle_state(Served& served) const;
  void serve(Served& served, base::MonotonicTime now, HealthListener& listener);
  void serve_service(base::ServiceId service, base::MonotonicTime now, HealthListener& listener);
  void settle(base::ServiceId service, HealthListener& listener);
  void carry_served(const HealthState& last, base::MonotonicTime now);

  [[nodiscard]] boost::json::object check_json(std::uint32_t check, base::MonotonicTime now) const;
  [[nodiscard]] boost::json::object service_json(const query::Service& service,
                                                 base::MonotonicTime now) const;
  [[nodiscard]] boost::json::object endpoint_json(const Served& served, base::MonotonicTime now) const;

  std::shared_ptr<const query::Snapshot> snapshot_;
  std::shared_ptr<query::Tables> tables_;
  std::map<std::pair<std::uint32_t, base::IpAddress>, std::size_t> positions_;
  std::vector<Machine> machines_;                           ///< by target
  std::vector<health::CheckWatch> watches_;                 ///< by check
  std::vector<std::vector<std::size_t>> targets_of_check_;  ///< by check
  std::vector<Served> served_;
  std::vector<std::vector<std::size_t>> served_of_target_;   ///< positions in served_
  std::vector<std::vector<std::size_t>> served_of_service_;  ///< the same
  std::vector<health::PanicGuard> guards_;                   ///< by service
  std::vector<bool> told_open_;                              ///< by service: it fails open, as was told
};

}  // namespace meridian::control

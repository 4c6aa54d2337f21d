#include "control/health_keeper.hpp"

#include "base/log.hpp"
#include "query/capacity.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace meridian::control {
namespace {

using health::EndpointState;
using stats::Counter;

std::int64_t whole_seconds(std::chrono::milliseconds time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

std::string percent(double share) { return fmt::format("{:.4g}", share * 100); }

/// Counts, logs and hands on what happens.
class Teller final : public HealthListener {
 public:
  Teller(const HealthState& state, const base::Clock& clock, stats::Counters& counters, EventBudget& budget,
         const std::function<void(const HealthChange&)>& on_change)
      : state_(state), clock_(clock), counters_(counters), budget_(budget), on_change_(on_change) {}

  void on_endpoint(const Change& change) override {
    const HealthChange told{.service = service_name(change.feed.service),
                            .datacenter = datacenter_name(change.feed.datacenter),
                            .address = change.target.address,
                            .check = state_.snapshot().checks[change.target.check]->name,
                            .from = change.from,
                            .to = change.to,
                            .cause = change.cause,
                            .at = clock_.wall()};
    counters_.add(counter_of(change.to));
    if (budget_.take(clock_.monotonic())) {
      log(told);
    } else {
      counters_.add(Counter::EndpointEventsLeftOut);
    }
    if (on_change_) on_change_(told);
  }

  void on_suspect(std::uint32_t check, std::size_t endpoints, bool is_suspect) override {
    const auto& name = state_.snapshot().checks[check]->name;
    if (!is_suspect) {
      return base::log_event(base::LogLevel::Info, "check_trusted", {{"check", name}});
    }
    counters_.add(Counter::ChecksSuspect);
    base::log_event(base::LogLevel::Error, "check_suspect",
                    {{"check", name},
                     {"addresses", static_cast<std::int64_t>(endpoints)},
                     {"for_s", whole_seconds(health::kSuspectLasts)}});
  }

  void on_panic(base::ServiceId service, const health::PanicGuard& guard) override {
    counters_.add(Counter::Panics);
    base::log_event(base::LogLevel::Error, "panic",
                    {{"service", service_name(service)},
                     {"falling_percent", percent(static_cast<double>(guard.falling_weight()) /
                                                 static_cast<double>(guard.total_weight()))},
                     {"for_s", whole_seconds(health::kPanicKeeps)}});
  }

  void on_release(base::ServiceId service, base::DatacenterId datacenter, bool is_over) override {
    base::log_event(base::LogLevel::Warning, "panic_released",
                    {{"service", service_name(service)},
                     {"datacenter", datacenter_name(datacenter)},
                     {"is_over", is_over ? "yes" : "no"}});
  }

  void on_capacity(base::ServiceId service, bool fails_open) override {
    const auto& of = state_.snapshot().services[base::index_of(service)];
    const auto capacity = query::serving_capacity(state_.snapshot(), state_.tables().health, of);
    const auto share = percent(static_cast<double>(capacity) / steering::kFull);
    if (fails_open) {
      base::log_event(base::LogLevel::Error, "capacity_low",
                      {{"service", of.name},
                       {"percent", share},
                       {"min_percent", percent(static_cast<double>(of.min_capacity) / steering::kFull)}});
    } else {
      base::log_event(base::LogLevel::Info, "capacity_restored", {{"service", of.name}, {"percent", share}});
    }
  }

 private:
  static Counter counter_of(EndpointState to) noexcept {
    if (to == EndpointState::Unknown) return Counter::EndpointUnknowns;
    return to == EndpointState::Up ? Counter::EndpointUps : Counter::EndpointDowns;
  }

  static void log(const HealthChange& change) {
    const base::LogField service{"service", change.service};
    const base::LogField datacenter{"datacenter", change.datacenter};
    const base::LogField address{"address", base::to_string(change.address)};
    const base::LogField check{"check", change.check};
    const base::LogField was{"was", health::to_string(change.from)};
    switch (change.to) {
      case EndpointState::Up:
        return base::log_event(base::LogLevel::Info, "endpoint_up",
                               {service, datacenter, address, check, was});
      case EndpointState::Down:
        return base::log_event(base::LogLevel::Warning, "endpoint_down",
                               {service, datacenter, address, check, was, {"cause", change.cause}});
      case EndpointState::Unknown:
        return base::log_event(base::LogLevel::Warning, "endpoint_unknown",
                               {service, datacenter, address, check, was});
    }
  }

  [[nodiscard]] const std::string& service_name(base::ServiceId id) const {
    return state_.snapshot().services[base::index_of(id)].name;
  }
  [[nodiscard]] const std::string& datacenter_name(base::DatacenterId id) const {
    return state_.snapshot().datacenters[base::index_of(id)].name;
  }

  const HealthState& state_;
  const base::Clock& clock_;
  stats::Counters& counters_;
  EventBudget& budget_;
  const std::function<void(const HealthChange&)>& on_change_;
};

}  // namespace

void HealthKeeper::publish(std::shared_ptr<const query::Snapshot> snapshot,
                           std::shared_ptr<query::Tables> tables, const std::function<void()>& publish) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.monotonic();
  auto next = std::make_unique<HealthState>(std::move(snapshot), std::move(tables), now);
  if (state_) next->carry(*state_, now);
  next->write_all(now);
  state_ = std::move(next);
  publish();
}

std::vector<WatchedTarget> HealthKeeper::targets() const {
  const std::lock_guard lock(mutex_);
  std::vector<WatchedTarget> targets;
  if (!state_) return targets;
  const auto& snapshot = state_->snapshot();
  for (const auto& target : snapshot.probe_targets)
    targets.push_back({snapshot.checks[target.check], target.address});
  return targets;
}

void HealthKeeper::on_result(const config::Check& check, const base::IpAddress& address,
                             const health::ProbeResult& result) {
  const std::lock_guard lock(mutex_);
  const auto target = state_ ? state_->find(check, address) : std::nullopt;
  if (!target) return counters_.add(Counter::ProbesUnknown);
  if (check.type == config::Check::Type::Push) {
    // Of those that are probed the prober counts each probe, however many targets it is for.
    counters_.add(Counter::Probes);
    if (!result.is_ok) counters_.add(Counter::ProbesFailed);
  }
  tally_.add(check, result);
  Teller teller(*state_, clock_, counters_, budget_, on_change_);
  state_->observe(*target, result, clock_.monotonic(), teller);
}

void HealthKeeper::advance() {
  const std::lock_guard lock(mutex_);
  if (!state_) return;
  Teller teller(*state_, clock_, counters_, budget_, on_change_);
  const auto now = clock_.monotonic();
  state_->advance(now, teller);
  if (const auto count = budget_.take_left_out(now))
    base::log_event(base::LogLevel::Warning, "endpoint_events_left_out", {{"count", *count}});
}

std::size_t HealthKeeper::restore(std::span<const TargetState> states) {
  const std::lock_guard lock(mutex_);
  if (!state_) return 0;
  const auto now = clock_.monotonic();
  const auto wall = clock_.wall();
  const auto& snapshot = state_->snapshot();
  std::map<std::pair<std::string_view, base::IpAddress>, const TargetState*> known;
  for (const auto& state : states) known.insert_or_assign({state.check, state.address}, &state);
  std::size_t taken = 0;
  for (std::size_t i = 0; i < snapshot.probe_targets.size(); ++i) {
    const auto& target = snapshot.probe_targets[i];
    const auto found = known.find({snapshot.checks[target.check]->name, target.address});
    if (found == known.end()) continue;
    const auto since =
        now - std::chrono::duration_cast<base::MonotonicTime::duration>(wall - found->second->since);
    if (state_->restore(i, found->second->state, found->second->cause, since, now)) ++taken;
  }
  state_->write_all(now);
  return taken;
}

std::vector<TargetState> HealthKeeper::states() const {
  const std::lock_guard lock(mutex_);
  std::vector<TargetState> states;
  if (!state_) return states;
  const auto& snapshot = state_->snapshot();
  for (std::size_t i = 0; i < snapshot.probe_targets.size(); ++i) {
    const auto& health = state_->health_of(i);
    if (health.state() == EndpointState::Unknown) continue;
    const auto age = clock_.monotonic() - health.since();
    const auto& target = snapshot.probe_targets[i];
    states.push_back({snapshot.checks[target.check]->name, target.address, health.state(), health.cause(),
                      clock_.wall() - std::chrono::duration_cast<std::chrono::system_clock::duration>(age)});
  }
  return states;
}

std::vector<explain::EndpointStep> HealthKeeper::not_up(std::string_view service) const {
  const std::lock_guard lock(mutex_);
  if (!state_) return {};
  return state_->not_up(service, clock_.monotonic());
}

boost::json::object HealthKeeper::status(std::string_view service) const {
  const std::lock_guard lock(mutex_);
  return state_ ? state_->to_json(service, clock_.monotonic()) : boost::json::object{};
}

HealthFigures HealthKeeper::figures() const {
  const std::lock_guard lock(mutex_);
  HealthFigures figures{.probes = tally_.counts(), .checks = {}, .services = {}};
  if (state_) state_->add_alarms(figures.checks, figures.services);
  return figures;
}

}  // namespace meridian::control

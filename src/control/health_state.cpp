#include "control/health_state.hpp"

#include "config/check.hpp"
#include "query/capacity.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace meridian::control {
namespace {

using health::EndpointState;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// advance() comes this often; until the next one a word must not promise too much.
constexpr seconds kTick{1};
/// Changes that are further away are told in steps, so that they do not renew the table every second.
constexpr seconds kExact{60};
constexpr seconds kStep{15};

health::CheckTiming timing_of(const config::Check& check) {
  health::CheckTiming timing;
  timing.up_after = check.up_after;
  timing.down_after = check.down_after;
  if (check.type == config::Check::Type::Push) {
    // A lease that runs out is a failure (probe/push_leases.hpp), and the next one a lease later.
    timing.every = milliseconds{check.lease_s * 1'000};
    timing.timeout = milliseconds{0};
    timing.jitter = milliseconds{0};
    return timing;
  }
  timing.every = milliseconds{check.every_ms};
  timing.timeout = milliseconds{check.timeout_ms};
  timing.jitter = milliseconds{std::uint64_t{check.every_ms} * check.jitter_percent / 100};
  return timing;
}

/// Seconds from now on, as EndpointWord::change_in_s has them.
std::uint16_t seconds_until(base::MonotonicTime at, base::MonotonicTime now) {
  auto left = std::chrono::floor<seconds>(at - now) - kTick;
  if (left > kExact) left -= left % kStep;
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(left.count(), 1, 0xffff));
}

}  // namespace

HealthState::HealthState(std::shared_ptr<const query::Snapshot> snapshot,
                         std::shared_ptr<query::Tables> tables, base::MonotonicTime now)
    : snapshot_(std::move(snapshot)),
      tables_(std::move(tables)),
      targets_of_check_(snapshot_->checks.size()),
      served_of_target_(snapshot_->probe_targets.size()),
      served_of_service_(snapshot_->services.size()),
      told_open_(snapshot_->services.size()) {
  std::vector<std::vector<health::PanicGuard::Member>> members(snapshot_->services.size());
  for (std::size_t i = 0; i < snapshot_->probe_targets.size(); ++i) {
    const auto& target = target_at(i);
    positions_.emplace(std::pair{target.check, target.address}, i);
    auto& siblings = targets_of_check_[target.check];
    machines_.push_back({.health = health::EndpointHealth(timing_of(*snapshot_->checks[target.check]), now),
                         .member = siblings.size(),
                         .warning = {}});
    siblings.push_back(i);
    for (std::size_t feed = 0; feed < target.feeds.size(); ++feed) {
      const auto& of = target.feeds[feed];
      auto& guarded = members[base::index_of(of.service)];
      served_of_target_[i].push_back(served_.size());
      served_of_service_[base::index_of(of.service)].push_back(served_.size());
      served_.push_back(
          {.target = i, .feed = feed, .member = guarded.size(), .is_guarded = of.in_use, .since = now});
      if (!of.in_use) continue;
      const auto weight = snapshot_->endpoints[base::index_of(of.endpoint)].weight;
      guarded.push_back({weight, static_cast<std::uint32_t>(of.datacenter)});
    }
  }
  for (std::size_t i = 0; i < snapshot_->checks.size(); ++i)
    watches_.emplace_back(targets_of_check_[i].size(), timing_of(*snapshot_->checks[i]).every);
  for (auto& of_service : members) guards_.emplace_back(std::move(of_service));
}

std::optional<std::size_t> HealthState::find(const config::Check& check,
                                             const base::IpAddress& address) const {
  const auto& checks = snapshot_->checks;
  auto found =
      std::find_if(checks.begin(), checks.end(), [&](const auto& other) { return other.get() == &check; });
  if (found == checks.end()) {
    found = std::find_if(checks.begin(), checks.end(),
                         [&](const auto& other) { return probes_alike(*other, check); });
  }
  if (found == checks.end()) return std::nullopt;
  const auto position = positions_.find({static_cast<std::uint32_t>(found - checks.begin()), address});
  return position == positions_.end() ? std::nullopt : std::optional{position->second};
}

bool HealthState::is_believed_down(std::size_t target) const {
  return machines_[target].health.state() == EndpointState::Down && !is_doubted(target);
}

bool HealthState::is_kept(const Served& served) const {
  return served.is_guarded && guards_[base::index_of(feed_of(served).service)].is_kept(served.member);
}

std::optional<base::MonotonicTime> HealthState::next_change(const Served& served) const {
  if (is_kept(served)) return guards_[base::index_of(feed_of(served).service)].next_release();
  const auto& health = machines_[served.target].health;
  if (is_doubted(served.target)) return watch_of(served.target).suspect_until();
  return health.earliest_change();
}

health::EndpointWord HealthState::word_of(const Served& served, base::MonotonicTime now) const {
  const auto change = next_change(served);
  return {.state = served.state,
          .weight_percent = machines_[served.target].weight_percent,
          .change_in_s = change ? seconds_until(*change, now) : std::uint16_t{0}};
}

void HealthState::observe(std::size_t target, const health::ProbeResult& result, base::MonotonicTime now,
                          HealthListener& listener) {
  auto& machine = machines_[target];
  const bool had_failures = machine.health.failures() != 0;
  machine.health.observe(result, now);
  machine.took = result.took;
  machine.warning = result.warning;
  // An endpoint that fails has no say; what it asked for before holds as long as it is up.
  if (result.is_ok)
    machine.weight_percent = static_cast<std::uint8_t>(std::min(result.weight_percent.value_or(100), 100u));
  watch(target, had_failures, now, listener);
  apply(target, now, listener);
}

void HealthState::watch(std::size_t target, bool had_failures, base::MonotonicTime now,
                        HealthListener& listener) {
  auto& watch = watch_of(target);
  const auto& machine = machines_[target];
  const auto check = target_at(target).check;
  if (machine.health.failures() == 0) {
    watch.end_failing(machine.member);
    if (machine.health.state() != EndpointState::Down) watch.end_doubt(machine.member);
    if (watch.end_suspicion(now)) {
      listener.on_suspect(check, watch.endpoint_count(), false);
      apply_check(check, now, listener);
    }
    return;
  }
  // A run that began behind a gap is a new one, though the last result before it failed as well.
  const bool is_new = !had_failures || machine.health.failing_since() == now;
  const bool was_down = machine.health.before_failures() == EndpointState::Down;
  if (!is_new || !watch.begin_failing(machine.member, was_down, now)) return;
  listener.on_suspect(check, watch.endpoint_count(), true);
  apply_check(check, now, listener);
}

void HealthState::apply_check(std::uint32_t check, base::MonotonicTime now, HealthListener& listener) {
  for (const auto target : targets_of_check_[check]) apply(target, now, listener);
}

void HealthState::apply(std::size_t target, base::MonotonicTime now, HealthListener& listener) {
  const bool is_down = is_believed_down(target);
  for (const auto position : served_of_target_[target]) {
    auto& served = served_[position];
    const auto service = feed_of(served).service;
    auto& guard = guards_[base::index_of(service)];
    const auto was = served.state;
    bool panics = false;
    if (served.is_guarded) {
      const bool was_panicking = guard.is_panicking();
      panics = guard.want(served.member, is_down, now);
      if (panics) listener.on_panic(service, guard);
      if (was_panicking && !guard.is_panicking())
        listener.on_release(service, feed_of(served).datacenter, true);
    }
    if (panics) {
      serve_service(service, now, listener);
    } else {
      serve(served, now, listener);
      if (served.state != was) settle(service, listener);
    }
  }
}

void HealthState::settle_state(Served& served) const {
  const auto probed = machines_[served.target].health.state();
  if (probed != EndpointState::Down) served.last_serving = probed;
  const bool is_down = is_believed_down(served.target) && !is_kept(served);
  served.state = is_down ? EndpointState::Down : served.last_serving;
}

void HealthState::serve(Served& served, base::MonotonicTime now, HealthListener& listener) {
  const auto was = served.state;
  settle_state(served);
  const auto& feed = feed_of(served);
  if (served.state != was) served.since = now;
  tables_->health.set_word(feed.endpoint, word_of(served, now));
  if (served.state == was) return;
  listener.on_endpoint(
      {feed, target_at(served.target), was, served.state, machines_[served.target].health.cause()});
}

void HealthState::serve_service(base::ServiceId service, base::MonotonicTime now, HealthListener& listener) {
  for (const auto position : served_of_service_[base::index_of(service)])
    serve(served_[position], now, listener);
  settle(service, listener);
}

void HealthState::settle(base::ServiceId id, HealthListener& listener) {
  const auto& service = snapshot_->services[base::index_of(id)];
  query::settle_capacity(*snapshot_, *tables_, service);
  const bool is_open = tables_->health.fails_open(id);
  if (is_open == told_open_[base::index_of(id)]) return;
  told_open_[base::index_of(id)] = is_open;
  listener.on_capacity(id, is_open);
}

void HealthState::advance(base::MonotonicTime now, HealthListener& listener) {
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    if (!watches_[i].end_suspicion(now)) continue;
    listener.on_suspect(static_cast<std::uint32_t>(i), watches_[i].endpoint_count(), false);
    apply_check(static_cast<std::uint32_t>(i), now, listener);
  }
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    if (machines_[i].health.advance(now)) {
      watch_of(i).end_failing(machines_[i].member);
      watch_of(i).end_doubt(machines_[i].member);
      apply(i, now, listener);
      continue;
    }
    // Time passes: what is about to change is nearer.
    for (const auto position : served_of_target_[i]) {
      const auto& served = served_[position];
      tables_->health.set_word(feed_of(served).endpoint, word_of(served, now));
    }
  }
  for (std::size_t i = 0; i < guards_.size(); ++i) {
    const auto released = guards_[i].release(now);
    if (!released) continue;
    const auto service = static_cast<base::ServiceId>(i);
    listener.on_release(service, static_cast<base::DatacenterId>(*released), !guards_[i].is_panicking());
    serve_service(service, now, listener);
  }
  // What operators force changes a service's capacity as well, and they write beside us.
  for (const auto& service : snapshot_->services) settle(service.id, listener);
}

bool HealthState::restore(std::size_t target, EndpointState state, std::string_view cause,
                          base::MonotonicTime since, base::MonotonicTime now) {
  auto& machine = machines_[target];
  if (machine.health.last_result_at() || state == EndpointState::Unknown) return false;
  machine.health.restore(state, cause, since, now);
  if (state == EndpointState::Down) watch_of(target).carry(machine.member, true, machine.health.since());
  for (const auto position : served_of_target_[target]) {
    auto& served = served_[position];
    served.state = state;
    served.since = machine.health.since();
    if (state == EndpointState::Up) served.last_serving = state;
    if (state == EndpointState::Down && served.is_guarded)
      guards_[base::index_of(feed_of(served).service)].carry_down(served.member);
  }
  return true;
}

void HealthState::carry(const HealthState& last, base::MonotonicTime now) {
  std::map<std::pair<std::string_view, base::IpAddress>, std::size_t> by_name;
  for (std::size_t i = 0; i < last.machines_.size(); ++i) {
    const auto& target = last.target_at(i);
    by_name.emplace(std::pair{std::string_view{last.snapshot_->checks[target.check]->name}, target.address},
                    i);
  }
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    const auto& target = target_at(i);
    const auto& check = *snapshot_->checks[target.check];
    auto& machine = machines_[i];
    if (const auto known = last.find(check, target.address)) {
      const auto member = machine.member;
      machine = last.machines_[*known];
      machine.member = member;
      if (machine.health.failures() != 0) {
        watch_of(i).carry(member, machine.health.before_failures() == EndpointState::Down,
                          machine.health.failing_since());
      }
      if (const auto until = last.watch_of(*known).suspect_until()) watch_of(i).carry_suspicion(*until);
      if (last.is_doubted(*known)) watch_of(i).carry_doubt(member);
      continue;
    }
    // The check was changed: what its predecessor said holds until it has looked itself.
    const auto before = by_name.find({check.name, target.address});
    if (before == by_name.end()) continue;
    const auto& health = last.machines_[before->second].health;
    const bool is_doubted = last.is_doubted(before->second);
    restore(i, is_doubted ? EndpointState::Up : health.state(), health.cause(), health.since(), now);
  }
  carry_served(last, now);
}

void HealthState::carry_served(const HealthState& last, base::MonotonicTime now) {
  // By names, which are what outlives an epoch.
  using Identity = std::tuple<std::string_view, std::string_view, base::IpAddress>;
  const auto identity_of = [](const HealthState& state, const Served& served) {
    const auto& feed = state.feed_of(served);
    return Identity{state.snapshot_->services[base::index_of(feed.service)].name,
                    state.snapshot_->datacenters[base::index_of(feed.datacenter)].name,
                    state.target_at(served.target).address};
  };
  std::map<Identity, const Served*> known;
  for (const auto& served : last.served_) known.emplace(identity_of(last, served), &served);
  for (auto& served : served_) {
    const bool is_down = is_believed_down(served.target);
    const auto found = known.find(identity_of(*this, served));
    auto& guard = guards_[base::index_of(feed_of(served).service)];
    if (found == known.end()) {
      // New here, but its address may be known from another service: what is down is no fall.
      if (is_down && served.is_guarded) guard.carry_down(served.member);
      settle_state(served);
      served.since = now;
      continue;
    }
    const auto& before = *found->second;
    served.last_serving = before.last_serving;
    served.since = before.since;
    if (is_down && served.is_guarded) {
      const auto& guard_before = last.guards_[base::index_of(last.feed_of(before).service)];
      if (before.is_guarded && guard_before.is_wanted_down(before.member)) {
        guard.carry_fall(served.member, guard_before.fell_at(before.member),
                         guard_before.is_kept(before.member));
        if (guard_before.is_kept(before.member)) guard.carry_panic(*guard_before.next_release());
      } else {
        guard.carry_down(served.member);
      }
    }
    settle_state(served);
    if (served.state != before.state) served.since = now;
  }
}

void HealthState::write_all(base::MonotonicTime now) {
  for (const auto& served : served_) tables_->health.set_word(feed_of(served).endpoint, word_of(served, now));
  query::settle_capacities(*snapshot_, *tables_);
  told_open_.clear();
  for (const auto& service : snapshot_->services)
    told_open_.push_back(tables_->health.fails_open(service.id));
}

}  // namespace meridian::control

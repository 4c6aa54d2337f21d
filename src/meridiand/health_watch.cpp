#include "meridiand/health_watch.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "health/endpoint_health.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace meridian::meridiand {
namespace {

using Type = config::Check::Type;

/// What the journal's rows say of targets. The same target may serve several endpoints; the last word counts.
std::vector<control::TargetState> states_of(const std::vector<journal::StateRow>& rows) {
  std::vector<control::TargetState> states;
  for (const auto& row : rows) {
    const auto address = base::parse_ip_address(row.endpoint.address);
    const auto state = health::find_endpoint_state(row.state);
    if (address && state) states.push_back({row.check, *address, *state, row.cause, row.since});
  }
  return states;
}

std::vector<probe::Target> probed(const std::vector<control::WatchedTarget>& targets) {
  std::vector<probe::Target> result;
  result.reserve(targets.size());
  for (const auto& target : targets) result.push_back({target.check, target.address});
  return result;
}

}  // namespace

HealthWatch::HealthWatch(const base::Clock& clock, control::HealthKeeper& keeper,
                         stats::Counters& probe_counters)
    : clock_(clock), keeper_(keeper), probe_counters_(probe_counters) {}

HealthWatch::~HealthWatch() { stop(); }

void HealthWatch::start(journal::Journal& journal) {
  const auto count = keeper_.targets().size();
  if (count == 0) return follow();
  std::size_t restored = 0;
  if (const auto rows = journal.states()) restored = keeper_.restore(states_of(*rows));
  follow();
  if (restored == count) return;
  std::unique_lock lock(mutex_);
  const auto is_done = [&] { return round_ended_ == round_; };
  // The engine ends a round in time; a little more, should its thread be late.
  constexpr std::chrono::milliseconds kLongest{base::limits::kProbeFirstRoundMs * 2};
  const bool is_in_time = round_done_.wait_for(lock, kLongest, is_done);
  base::log_event(base::LogLevel::Info, "first_round",
                  {{"targets", count}, {"restored", restored}, {"is_over", is_in_time ? "yes" : "no"}});
}

void HealthWatch::stop() {
  // Joins the probe thread, which may wait for the mutex.
  std::unique_ptr<probe::Engine> engine;
  {
    const std::lock_guard lock(mutex_);
    engine = std::move(engine_);
  }
}

void HealthWatch::follow() {
  auto targets = std::make_shared<const Targets>(keeper_.targets());
  const std::lock_guard lock(mutex_);
  probe::PushLeases leases(targets->size());
  Pushed pushed;
  for (std::size_t i = 0; i < targets->size(); ++i) {
    const auto& target = (*targets)[i];
    if (target.check->type != Type::Push) continue;
    const auto own = pushed.try_emplace({target.check->name, target.address}, i).first;
    const auto before = pushed_.find(own->first);
    if (before != pushed_.end()) leases.carry(i, leases_, before->second);
  }
  pushed_ = std::move(pushed);
  leases_ = std::move(leases);
  ++round_;
  targets_.emplace(round_, targets);
  while (targets_.size() > 2) targets_.erase(targets_.begin());
  // Without targets no thread is needed, until there are some.
  if (!engine_ && targets->empty()) return;
  if (!engine_) {
    engine_ = std::make_unique<probe::Engine>(
        clock_, probe_counters_,
        probe::Engine::Handlers{
            [this](std::uint64_t round, std::size_t target, const health::ProbeResult& result) {
              on_result(round, target, result);
            },
            [this](std::uint64_t round, bool) { on_first_round(round); }});
  }
  engine_->set_targets(round_, probed(*targets));
}

void HealthWatch::on_result(std::uint64_t round, std::size_t target, const health::ProbeResult& result) {
  std::shared_ptr<const Targets> targets;
  {
    const std::lock_guard lock(mutex_);
    const auto found = targets_.find(round);
    if (found == targets_.end()) return;  // three epochs within one probe
    targets = found->second;
  }
  const auto& watched = (*targets)[target];
  keeper_.on_result(*watched.check, watched.address, result);
}

void HealthWatch::on_first_round(std::uint64_t round) {
  const std::lock_guard lock(mutex_);
  round_ended_ = std::max(round_ended_, round);
  round_done_.notify_all();
}

void HealthWatch::advance() {
  keeper_.advance();
  std::vector<probe::PushLeases::Outcome> outcomes;
  std::shared_ptr<const Targets> targets;
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.monotonic();
    const auto end = leases_.next_end();
    if (!end || *end > now) return;
    outcomes = leases_.expire(now);
    targets = targets_.at(round_);
  }
  for (const auto& [target, result] : outcomes)
    keeper_.on_result(*(*targets)[target].check, (*targets)[target].address, result);
}

base::Expected<void, std::string> HealthWatch::report(const control::HealthReport& report) {
  health::ProbeResult result;
  control::WatchedTarget watched;
  {
    const std::lock_guard lock(mutex_);
    const auto found = pushed_.find({report.check, report.address});
    if (found == pushed_.end()) {
      return base::unexpected(fmt::format("no service has {} with a check '{}' of type push",
                                          base::to_string(report.address), report.check));
    }
    watched = (*targets_.at(round_))[found->second];
    result = leases_.report(found->second, {report.is_ok, report.cause, report.weight_percent},
                            watched.check->lease_s, clock_.monotonic());
  }
  keeper_.on_result(*watched.check, watched.address, result);
  return {};
}

}  // namespace meridian::meridiand

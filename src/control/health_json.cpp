#include "base/utc.hpp"
#include "config/check.hpp"
#include "control/health_keeper.hpp"
#include "control/health_state.hpp"
#include "query/capacity.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace meridian::control {
namespace {

namespace json = boost::json;
using std::chrono::floor;
using std::chrono::seconds;

std::int64_t seconds_since(base::MonotonicTime then, base::MonotonicTime now) {
  return floor<seconds>(now - then).count();
}

std::int64_t seconds_to(base::MonotonicTime then, base::MonotonicTime now) {
  return std::max<std::int64_t>(std::chrono::ceil<seconds>(then - now).count(), 0);
}

}  // namespace

json::object to_json(const HealthChange& change) {
  return {{"at", base::to_utc_ms(change.at)},
          {"service", change.service},
          {"datacenter", change.datacenter},
          {"address", base::to_string(change.address)},
          {"check", change.check},
          {"from", health::to_string(change.from)},
          {"to", health::to_string(change.to)},
          {"cause", change.cause}};
}

json::object HealthState::to_json(std::string_view service, base::MonotonicTime now) const {
  json::array checks;
  for (std::uint32_t i = 0; i < watches_.size(); ++i) checks.push_back(check_json(i, now));
  json::array services;
  for (const auto& each : snapshot_->services) {
    if (each.fixed_pool != base::kNoPool || (!service.empty() && each.name != service)) continue;
    services.push_back(service_json(each, now));
  }
  return {{"epoch", snapshot_->epoch}, {"checks", std::move(checks)}, {"services", std::move(services)}};
}

void HealthState::add_alarms(std::vector<std::pair<std::string, bool>>& checks,
                             std::vector<std::pair<std::string, bool>>& services) const {
  for (std::size_t i = 0; i < watches_.size(); ++i)
    checks.emplace_back(snapshot_->checks[i]->name, watches_[i].suspect_until().has_value());
  for (const auto& service : snapshot_->services) {
    if (served_of_service_[base::index_of(service.id)].empty()) continue;
    services.emplace_back(service.name, guards_[base::index_of(service.id)].is_panicking());
  }
}

json::object HealthState::check_json(std::uint32_t check, base::MonotonicTime now) const {
  const auto& watch = watches_[check];
  json::object object{{"name", snapshot_->checks[check]->name},
                      {"type", to_string(snapshot_->checks[check]->type)},
                      {"addresses", watch.endpoint_count()},
                      {"failing", watch.failing_count()}};
  if (const auto until = watch.suspect_until()) object["suspect_left_s"] = seconds_to(*until, now);
  return object;
}

json::object HealthState::service_json(const query::Service& service, base::MonotonicTime now) const {
  const auto& guard = guards_[base::index_of(service.id)];
  const auto capacity = query::serving_capacity(*snapshot_, tables_->health, service);
  json::object object{{"name", service.name},
                      {"capacity_percent", std::floor(1'000.0 * capacity / steering::kFull) / 10},
                      {"fails_open", tables_->health.fails_open(service.id)}};
  if (const auto next = guard.next_release()) object["panic_next_release_s"] = seconds_to(*next, now);
  json::array endpoints;
  for (const auto position : served_of_service_[base::index_of(service.id)])
    endpoints.push_back(endpoint_json(served_[position], now));
  object["endpoints"] = std::move(endpoints);
  return object;
}

json::object HealthState::endpoint_json(const Served& served, base::MonotonicTime now) const {
  const auto& feed = feed_of(served);
  const auto& target = target_at(served.target);
  const auto& machine = machines_[served.target];
  json::object object{{"datacenter", snapshot_->datacenters[base::index_of(feed.datacenter)].name},
                      {"address", base::to_string(target.address)},
                      {"check", snapshot_->checks[target.check]->name},
                      {"state", health::to_string(served.state)},
                      {"for_s", seconds_since(served.since, now)},
                      {"probed_state", health::to_string(machine.health.state())},
                      {"weight", snapshot_->endpoints[base::index_of(feed.endpoint)].weight},
                      {"weight_percent", machine.weight_percent}};
  if (!feed.in_use) object["in_use"] = false;
  if (!machine.health.cause().empty()) object["cause"] = machine.health.cause();
  if (!machine.warning.empty()) object["warning"] = machine.warning;
  if (const auto at = machine.health.last_result_at()) {
    object["result_age_s"] = seconds_since(*at, now);
    object["took_ms"] = std::chrono::duration<double, std::milli>(machine.took).count();
  }
  if (machine.health.failures() != 0) object["failures"] = machine.health.failures();
  if (const auto by = kept_by(served); !by.empty()) object["kept_by"] = by;
  if (const auto word = tables_->health.word(feed.endpoint); word.change_in_s != 0)
    object["change_in_s"] = word.change_in_s;
  return object;
}

std::string_view HealthState::kept_by(const Served& served) const {
  if (is_kept(served)) return "panic";
  return is_doubted(served.target) ? "suspect_check" : "";
}

std::vector<explain::EndpointStep> HealthState::not_up(std::string_view service,
                                                       base::MonotonicTime now) const {
  std::vector<explain::EndpointStep> steps;
  const auto found =
      std::ranges::find_if(snapshot_->services, [&](const auto& each) { return each.name == service; });
  if (found == snapshot_->services.end()) return steps;
  for (const auto position : served_of_service_[base::index_of(found->id)]) {
    const auto& served = served_[position];
    const auto& feed = feed_of(served);
    const auto forced = tables_->health.forced(feed.endpoint);
    const auto by = kept_by(served);
    if (!forced && by.empty() && served.state == health::EndpointState::Up) continue;
    steps.push_back({.datacenter = snapshot_->datacenters[base::index_of(feed.datacenter)].name,
                     .address = base::to_string(target_at(served.target).address),
                     .state = forced ? "forced " + std::string{health::to_string(*forced)}
                                     : std::string{health::to_string(served.state)},
                     .for_s = seconds_since(served.since, now),
                     .cause = machines_[served.target].health.cause(),
                     .kept_by = std::string{by}});
  }
  return steps;
}

}  // namespace meridian::control

#include "control/metrics_page.hpp"

#include "base/limits.hpp"
#include "dns/types.hpp"
#include "http/prometheus_page.hpp"
#include "query/capacity.hpp"

#include <fmt/format.h>
#include <prometheus/metric_family.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <string_view>
#include <utility>

namespace meridian::control {
namespace {

using http::Labels;
using Page = http::PrometheusPage;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

double to_seconds(base::WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

double count(std::uint64_t value) { return static_cast<double>(value); }

/// `buckets` are not cumulative, and one more than `bounds`.
template <typename Bounds, typename Buckets>
ClientMetric histogram(const Bounds& bounds, const Buckets& buckets, double sum) {
  ClientMetric metric;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    total += buckets[i];
    const bool is_last = i == bounds.size();
    metric.histogram.bucket.push_back({total, is_last ? std::numeric_limits<double>::infinity() : bounds[i]});
  }
  metric.histogram.sample_count = total;
  metric.histogram.sample_sum = sum;
  return metric;
}

void add_counters(const MetricsSources& sources, Page& page) {
  const auto totals = sources.upgrader.totals();
  for (const auto& info : stats::kCounterTable) {
    const auto* const value = totals.if_contains(info.name);
    if (value == nullptr) continue;
    Page::put(page.add(MetricType::Counter, info.name, info.help), value->to_number<double>(), {});
  }
}

void add_listeners(const MetricsSources& sources, Page& page) {
  auto& listeners = page.add(MetricType::Counter, "listener_queries_total",
                             "Queries received at each address that is listened at, by transport.");
  for (const auto& one : sources.queries_by_address()) {
    const auto address = net::to_string(one.listen);
    Page::put(listeners, count(one.udp), {{"address", address}, {"transport", "udp"}});
    Page::put(listeners, count(one.tcp), {{"address", address}, {"transport", "tcp"}});
  }
}

std::string_view word_of(query::TallyReason reason) {
  switch (reason) {
    case query::TallyReason::Preferred:
      return "preferred";
    case query::TallyReason::Fallback:
      return "fallback";
    case query::TallyReason::Open:
      return "open";
    case query::TallyReason::Drained:
      return "drained";
    case query::TallyReason::Shed:
      return "shed";
  }
  return "";
}

std::string rcode_name(std::size_t cell) {
  return cell < query::kTalliedRcodes.size() ? dns::to_string(query::kTalliedRcodes[cell]) : "other";
}

void add_answers(const MetricsSources& sources, Page& page) {
  const auto sums = sources.answers.collect();
  auto& rcodes = page.add(MetricType::Counter, "answers_by_rcode_total",
                          "Answers by transport and RCODE, before rate limits.");
  for (std::size_t i = 0; i < sums.rcodes.size(); ++i) {
    Page::put(rcodes, count(sums.rcodes[i]),
              {{"transport", i < query::kRcodeCells ? "udp" : "tcp"},
               {"rcode", rcode_name(i % query::kRcodeCells)}});
  }
  auto& services =
      page.add(MetricType::Counter, "service_answers_total",
               "Steered answers by the service and datacenter whose pool they name, and why that one.");
  for (const auto& [series, value] : sums.series) {
    Page::put(services, count(value),
              {{"service", series.service},
               {"datacenter", series.datacenter},
               {"reason", std::string{word_of(series.reason)}}});
  }
  constexpr std::size_t kBounds[] = {0, 8, 12, 16, 18, 20, 22, 24, 28, 32, 40, 48, 56, 64};
  std::vector<double> bounds(std::begin(kBounds), std::end(kBounds));
  std::vector<std::uint64_t> buckets(bounds.size() + 1);
  double sum = 0;
  for (std::size_t bits = 0; bits < sums.scopes.size(); ++bits) {
    const auto* const bound = std::ranges::lower_bound(kBounds, bits);
    buckets[static_cast<std::size_t>(bound - std::begin(kBounds))] += sums.scopes[bits];
    sum += count(sums.scopes[bits]) * static_cast<double>(bits);
  }
  page.add(MetricType::Histogram, "client_subnet_scope_length",
           "Scopes of steered answers that the query's client subnet decided.")
      .metric.push_back(histogram(bounds, buckets, sum));
}

void add_latency(const MetricsSources& sources, Page& page) {
  const auto totals = sources.latency.totals();
  std::vector<double> bounds;
  for (const auto bound : stats::kLatencyBounds)
    bounds.push_back(std::chrono::duration<double>(bound).count());
  page.add(MetricType::Histogram, "answer_duration_seconds",
           fmt::format(
               "Time from a query's batch to its answer, the mean of the batch; one batch in {} is timed.",
               base::limits::kLatencySampleBatches))
      .metric.push_back(histogram(bounds, totals.counts, static_cast<double>(totals.sum_ns) / 1e9));
}

void add_epoch(const MetricsSources& sources, const Serving& serving, Page& page) {
  const auto& snapshot = *serving.snapshot;
  page.gauge("build_info", "1; what runs, in its labels.", 1,
             {{"version", sources.version}, {"site", serving.site->site}});
  page.gauge("uptime_seconds", "Time since this process began to serve.",
             std::chrono::duration<double>(sources.clock.monotonic() - sources.started_at).count());
  page.gauge("epoch", "Number of the map that serves.", count(snapshot.epoch));
  page.gauge("epoch_built_timestamp_seconds", "When the map that serves was built.",
             to_seconds(snapshot.built_at));
  page.gauge("zones", "Zones that are served.", count(snapshot.zones.size()));
  page.gauge("services", "Services that are steered.", count(snapshot.services.size()));
  page.gauge("endpoints", "Endpoints of all pools.", count(snapshot.endpoints.size()));
  const auto reload = sources.reloader.last_result();
  page.gauge("last_reload_success", "1: the last reload serves; 0: it was refused.", reload.ok ? 1 : 0);
  page.gauge("last_reload_duration_seconds", "How long the last reload took.",
             std::chrono::duration<double>(reload.took).count());
  page.gauge("geoip_held", "1: changed GeoIP files are not used, because they look wrong.",
             sources.reloader.held() ? 1 : 0);
  auto& built = page.add(MetricType::Gauge, "geoip_built_timestamp_seconds",
                         "When a GeoIP file was built, as it says.");
  for (const auto& database : facts_of(serving.rulebook->geography))
    Page::put(built, count(database.build_epoch), {{"database", database.name}, {"file", database.path}});
}

void add_operators(const MetricsSources& sources, const Serving& serving, Page& page) {
  auto& overrides = page.add(MetricType::Gauge, "overrides", "Overrides of each kind, scheduled ones too.");
  const auto all = sources.overrides.all();
  for (const auto kind :
       {OverrideKind::Drain, OverrideKind::Shed, OverrideKind::ForceUp, OverrideKind::ForceDown}) {
    Page::put(overrides, count(static_cast<std::uint64_t>(std::ranges::count(all, kind, &Override::kind))),
              {{"kind", std::string{word_of(kind)}}});
  }
  auto& shed = page.add(MetricType::Gauge, "datacenter_shed_ratio",
                        "The share of a datacenter's health that operators take away; 1: drained.");
  const auto& health = serving.tables->health;
  for (std::size_t i = 0; i < serving.snapshot->datacenters.size(); ++i) {
    const auto kept = health.kept(static_cast<base::DatacenterId>(i));
    Page::put(shed, 1 - static_cast<double>(kept) / health::kKeepsAll,
              {{"datacenter", serving.snapshot->datacenters[i].name}});
  }
  const auto journal = sources.journal.status();
  page.gauge("journal_up", "1: the journal is written; 0: it is off, or its last write failed.",
             journal.place != journal::Place::Off && journal.error.empty() ? 1 : 0);
  page.gauge("journal_waiting_changes", "Changes of state that wait for the disk.", count(journal.waiting));
}

void add_services(const Serving& serving, Page& page) {
  const auto& snapshot = *serving.snapshot;
  const auto& health = serving.tables->health;
  auto& capacity = page.add(MetricType::Gauge, "service_capacity_ratio",
                            "The share of a service's weight that is healthy, whatever operators drain.");
  std::vector<std::pair<Labels, bool>> open;
  std::uint64_t left_out = 0;
  for (const auto& service : snapshot.services) {
    if (service.fixed_pool != base::kNoPool) continue;
    if (open.size() == base::limits::kMetricServicesMax) {
      ++left_out;
      continue;
    }
    Labels labels{{"service", service.name}};
    const auto share = query::serving_capacity(snapshot, health, service);
    Page::put(capacity, static_cast<double>(share) / steering::kFull, labels);
    open.emplace_back(std::move(labels), health.fails_open(service.id));
  }
  auto& fails_open = page.add(MetricType::Gauge, "service_fails_open",
                              "1: too little of the service is healthy, so all of it counts as healthy.");
  for (auto& [labels, is_open] : open) Page::put(fails_open, is_open ? 1 : 0, std::move(labels));
  page.gauge("services_left_out", "Services without series of their own, because there are too many.",
             count(left_out));
}

double number_of(health::EndpointState state) {
  if (state == health::EndpointState::Unknown) return 2;
  return state == health::EndpointState::Up ? 1 : 0;
}

/// The endpoints of a service that is no view of one datacenter, with what tells them apart.
template <typename Visit>
void visit_endpoints(const query::Snapshot& snapshot, const query::Service& service, const Visit& visit) {
  for (const auto id : service.pools) {
    if (id == base::kNoPool) continue;
    const auto& pool = snapshot.pools[base::index_of(id)];
    for (const auto& range : {pool.v4, pool.v6}) {
      for (auto i = range.begin; i < range.end; ++i)
        visit(base::EndpointId{i}, snapshot.datacenters[base::index_of(pool.datacenter)].name);
    }
  }
}

void add_endpoints(const Serving& serving, Page& page) {
  const auto& snapshot = *serving.snapshot;
  const auto& health = serving.tables->health;
  auto& states =
      page.add(MetricType::Gauge, "endpoint_state", "What is known of an endpoint: 0 down, 1 up, 2 unknown.");
  std::vector<std::pair<Labels, double>> forced;
  std::uint64_t left_out = 0;
  for (const auto& service : snapshot.services) {
    if (service.fixed_pool != base::kNoPool) continue;
    visit_endpoints(snapshot, service, [&](base::EndpointId id, const std::string& datacenter) {
      if (states.metric.size() == base::limits::kMetricEndpointsMax) {
        ++left_out;
        return;
      }
      Labels labels{{"service", service.name},
                    {"datacenter", datacenter},
                    {"address", base::to_string(snapshot.endpoints[base::index_of(id)].address)}};
      if (const auto state = health.forced(id)) forced.emplace_back(labels, number_of(*state));
      Page::put(states, number_of(health.state(id)), std::move(labels));
    });
  }
  auto& by_hand = page.add(MetricType::Gauge, "endpoint_forced",
                           "What an operator forces an endpoint to be: 0 down, 1 up.");
  for (auto& [labels, value] : forced) Page::put(by_hand, value, std::move(labels));
  page.gauge("endpoints_left_out", "Endpoints without a series of their own, because there are too many.",
             count(left_out));
}

void add_alarms(MetricFamily& family, std::string_view label,
                const std::vector<std::pair<std::string, bool>>& alarms, std::size_t most) {
  for (const auto& [name, is_on] : alarms) {
    if (family.metric.size() == most) return;
    Page::put(family, is_on ? 1 : 0, {{std::string{label}, name}});
  }
}

void add_health(const MetricsSources& sources, Page& page) {
  const auto figures = sources.health.figures();
  auto& results = page.add(MetricType::Counter, "check_results_total",
                           "Results of probes and reports, by check; a probe of two checks counts in both.");
  for (const auto& [key, counts] : figures.probes) {
    const auto& [check, type] = key;
    Page::put(results, count(counts.ok), {{"check", check}, {"type", type}, {"result", "ok"}});
    Page::put(results, count(counts.failed), {{"check", check}, {"type", type}, {"result", "failed"}});
  }
  std::vector<double> bounds;
  for (const auto bound : kProbeDurationBounds)
    bounds.push_back(std::chrono::duration<double>(bound).count());
  auto& durations = page.add(MetricType::Histogram, "probe_duration_seconds",
                             "How long probes took, by check, those that failed too.");
  for (const auto& [key, counts] : figures.probes) {
    if (key.second == to_string(config::Check::Type::Push)) continue;
    auto metric = histogram(bounds, counts.buckets, static_cast<double>(counts.sum_us) / 1e6);
    metric.label = {{"check", key.first}, {"type", key.second}};
    durations.metric.push_back(std::move(metric));
  }
  add_alarms(page.add(MetricType::Gauge, "check_suspect", "1: the check is not believed for now."), "check",
             figures.checks, base::limits::kMetricChecksMax);
  add_alarms(page.add(MetricType::Gauge, "service_panicking",
                      "1: too much of the service fell at once, and keeps its states from before."),
             "service", figures.services, base::limits::kMetricServicesMax);
}

}  // namespace

std::string metrics_page(const MetricsSources& sources) {
  Page page;
  const auto serving = sources.reloader.serving().get();
  add_epoch(sources, *serving, page);
  add_counters(sources, page);
  add_listeners(sources, page);
  add_answers(sources, page);
  add_latency(sources, page);
  add_operators(sources, *serving, page);
  add_services(*serving, page);
  add_endpoints(*serving, page);
  add_health(sources, page);
  return page.text();
}

}  // namespace meridian::control

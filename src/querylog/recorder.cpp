#include "querylog/recorder.hpp"

#include "querylog/demand_sink.hpp"
#include "querylog/dnstap_sink.hpp"
#include "querylog/log_file.hpp"

#include <utility>

namespace meridian::querylog {

Recorder::Recorder(std::string version, const base::Clock& clock, stats::CounterRegistry& counters)
    : version_(std::move(version)),
      clock_(clock),
      counters_{&counters.register_block(), &counters.register_block(), &counters.register_block()},
      demand_book_(clock) {}

std::shared_ptr<Tap> Recorder::make_tap(stats::Counters& counters, std::uint64_t seed) {
  const std::lock_guard lock(mutex_);
  std::erase_if(taps_, [](const auto& tap) { return tap.expired(); });
  auto tap = std::make_shared<Tap>(clock_, counters, seed);
  for (const auto lane : {Lane::QueryLog, Lane::Dnstap, Lane::Demand}) set_sample(*tap, lane);
  taps_.push_back(tap);
  return tap;
}

void Recorder::configure(const config::Site& site) {
  const std::lock_guard lock(mutex_);
  configure_query_log(site);
  configure_dnstap(site);
  configure_demand(site);
}

void Recorder::configure_query_log(const config::Site& site) {
  Target target;
  std::unique_ptr<Sink> sink;
  if (site.query_log) {
    target = {site.query_log->file, site.query_log->sample};
    sink = std::make_unique<LogFile>(target.path, clock_, *counters_[index_of(Lane::QueryLog)]);
  }
  configure_lane(Lane::QueryLog, target, std::move(sink));
}

void Recorder::configure_dnstap(const config::Site& site) {
  const bool is_renamed = std::exchange(identity_, site.site) != site.site;
  Target target;
  if (site.dnstap) target = {site.dnstap->unix_socket.text, site.dnstap->sample};
  // A collector's connection is kept when nothing changed.
  if (target == targets_[index_of(Lane::Dnstap)] && !is_renamed) return;
  std::unique_ptr<Sink> sink;
  if (site.dnstap) {
    sink = std::make_unique<DnstapSink>(target.path, DnstapSender{site.site, "meridian " + version_}, clock_,
                                        *counters_[index_of(Lane::Dnstap)]);
  }
  configure_lane(Lane::Dnstap, target, std::move(sink));
}

void Recorder::configure_demand(const config::Site& site) {
  const Target target{.path = {}, .sample = site.demand_sample};
  if (target == targets_[index_of(Lane::Demand)]) return;
  demand_book_.set_sample(target.sample);
  std::unique_ptr<Sink> sink;
  if (target.sample > 0)
    sink = std::make_unique<DemandSink>(demand_book_, *counters_[index_of(Lane::Demand)]);
  configure_lane(Lane::Demand, target, std::move(sink));
}

/// Samples only while there is a sink: it is opened first and ended last.
void Recorder::configure_lane(Lane lane, const Target& target, std::unique_ptr<Sink> sink) {
  targets_[index_of(lane)] = target;
  auto& channel = channel_of(lane);
  const bool is_on = sink != nullptr;
  if (is_on) channel.use(std::move(sink));
  for (const auto& weak : taps_) {
    if (const auto tap = weak.lock()) set_sample(*tap, lane);
  }
  if (!is_on) channel.use(nullptr);
}

void Recorder::set_sample(Tap& tap, Lane lane) {
  auto ring = tap.set_sample(lane, targets_[index_of(lane)].sample);
  if (ring) channel_of(lane).add_ring(std::move(ring));
}

void Recorder::stop() {
  for (auto& channel : channels_) channel.stop();
}

}  // namespace meridian::querylog

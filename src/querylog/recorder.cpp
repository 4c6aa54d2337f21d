#include "querylog/recorder.hpp"

#include "querylog/dnstap_sink.hpp"
#include "querylog/log_file.hpp"

#include <utility>

namespace meridian::querylog {

Recorder::Recorder(std::string version, const base::Clock& clock, stats::CounterRegistry& counters)
    : version_(std::move(version)),
      clock_(clock),
      counters_{&counters.register_block(), &counters.register_block()} {}

std::shared_ptr<Tap> Recorder::make_tap(stats::Counters& counters, std::uint64_t seed) {
  const std::lock_guard lock(mutex_);
  std::erase_if(taps_, [](const auto& tap) { return tap.expired(); });
  auto tap = std::make_shared<Tap>(clock_, counters, seed);
  for (const auto lane : {Lane::QueryLog, Lane::Dnstap}) set_sample(*tap, lane);
  taps_.push_back(tap);
  return tap;
}

void Recorder::configure(const config::Site& site) {
  const std::lock_guard lock(mutex_);
  const bool is_renamed = std::exchange(identity_, site.site) != site.site;
  Target log;
  std::unique_ptr<Sink> log_sink;
  if (site.query_log) {
    log = {site.query_log->file, site.query_log->sample};
    log_sink = std::make_unique<LogFile>(log.path, clock_, *counters_[0]);
  }
  configure_lane(Lane::QueryLog, log, std::move(log_sink));

  Target dnstap;
  if (site.dnstap) dnstap = {site.dnstap->unix_socket.text, site.dnstap->sample};
  // A collector's connection is kept when nothing changed.
  if (dnstap == targets_[1] && !is_renamed) return;
  std::unique_ptr<Sink> dnstap_sink;
  if (site.dnstap) {
    dnstap_sink = std::make_unique<DnstapSink>(dnstap.path, DnstapSender{site.site, "meridian " + version_},
                                               clock_, *counters_[1]);
  }
  configure_lane(Lane::Dnstap, dnstap, std::move(dnstap_sink));
}

/// Samples only while there is a sink: it is opened first and ended last.
void Recorder::configure_lane(Lane lane, const Target& target, std::unique_ptr<Sink> sink) {
  targets_[static_cast<std::size_t>(lane)] = target;
  auto& channel = channel_of(lane);
  const bool is_on = sink != nullptr;
  if (is_on) channel.use(std::move(sink));
  for (const auto& weak : taps_) {
    if (const auto tap = weak.lock()) set_sample(*tap, lane);
  }
  if (!is_on) channel.use(nullptr);
}

void Recorder::set_sample(Tap& tap, Lane lane) {
  auto ring = tap.set_sample(lane, targets_[static_cast<std::size_t>(lane)].sample);
  if (ring) channel_of(lane).add_ring(std::move(ring));
}

void Recorder::stop() {
  query_log_.stop();
  dnstap_.stop();
}

}  // namespace meridian::querylog

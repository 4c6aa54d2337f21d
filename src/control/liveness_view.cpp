#include "control/liveness_view.hpp"

#include "base/limits.hpp"
#include "control/self_test.hpp"

#include <algorithm>
#include <utility>

namespace meridian::control {

using stats::Counter;

Liveness LivenessView::look() {
  Liveness told{.is_ready = is_ready_};
  if (!told.is_ready) return told;
  const auto serving = reloader_.serving().get();
  if (serving->snapshot->epoch != epoch_) learn(*serving);
  told.epoch = epoch_;
  told.site = serving->site->site;
  told.zones = zones_;
  told.oldest_input = oldest_input();
  told.queries = counters_.total(Counter::UdpAnswers) + counters_.total(Counter::TcpAnswers);
  told.queries_by_address = queries_by_address_();
  told.drops = counters_.total(Counter::UdpReceiveDrops) + counters_.total(Counter::RateLimitDropped);
  return told;
}

void LivenessView::learn(const Serving& serving) {
  epoch_ = serving.snapshot->epoch;
  zones_ = zone_names(*serving.snapshot);
  std::ranges::sort(zones_);
  zones_.resize(std::min(zones_.size(), base::limits::kLivenessZonesMax));
  is_probing_ = !health_.targets().empty();
}

/// An input is as old as the knowledge that there is, or should be, a newer one: a map that nobody changes
/// for a year is not out of date.
std::chrono::seconds LivenessView::oldest_input() {
  const auto now = clock_.monotonic();
  if (reloader_.last_result().ok) {
    refused_since_.reset();
  } else if (!refused_since_) {
    refused_since_ = now;
  }
  const auto probes = counters_.total(Counter::Probes);
  if (std::exchange(probes_, probes) != probes || !is_probing_ || probed_at_ == base::MonotonicTime{})
    probed_at_ = now;
  std::chrono::nanoseconds oldest = now - probed_at_;
  if (refused_since_) oldest = std::max<std::chrono::nanoseconds>(oldest, now - *refused_since_);
  if (const auto held = reloader_.held())
    oldest = std::max<std::chrono::nanoseconds>(oldest, clock_.wall() - held->since);
  return std::chrono::floor<std::chrono::seconds>(oldest);
}

}  // namespace meridian::control

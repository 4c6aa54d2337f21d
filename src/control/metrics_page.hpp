// GET /metrics: everything that is counted and known, for Prometheus.
//
// The text is prometheus-cpp's; what stands in it is listed in docs/metrics.md, which a test compares. Made
// on the control thread from atomics and small locks, so that no answer waits for it. The number of series
// has limits (base/limits.hpp): what is beyond is counted together or left out, and said.
#pragma once

#include "base/clock.hpp"
#include "control/answer_totals.hpp"
#include "control/health_keeper.hpp"
#include "control/overrides.hpp"
#include "control/reloader.hpp"
#include "control/upgrader.hpp"
#include "journal/journal.hpp"
#include "net/listen_tally.hpp"
#include "stats/latency.hpp"

#include <string>

namespace meridian::control {

/// What the page tells; all outlive it.
struct MetricsSources {
  const Reloader& reloader;
  const Overrides& overrides;
  const journal::Journal& journal;
  const Upgrader& upgrader;
  const HealthKeeper& health;
  AnswerTotals& answers;
  const stats::LatencyRegistry& latency;
  net::QueriesByAddress queries_by_address;
  const base::Clock& clock;
  std::string version;
  base::MonotonicTime started_at;
};

[[nodiscard]] std::string metrics_page(const MetricsSources& sources);

}  // namespace meridian::control

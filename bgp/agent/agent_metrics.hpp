// GET /metrics of the agent, for Prometheus; docs/metrics.md lists what stands in it, and a test compares.
#pragma once

#include "bgp/agent/agent_json.hpp"
#include "bgp/agent/wish_book.hpp"
#include "stats/counters.hpp"

#include <cstdint>
#include <string>

namespace meridian::agent {

/// What the agent's API counts, beside what its statuses have.
struct ControlFigures {
  const stats::CounterRegistry& counters;  ///< of requests and of the journal
  std::uint64_t reloads_ok = 0;            ///< of the site file
  std::uint64_t reloads_refused = 0;
  bool is_journal_up = false;
};

[[nodiscard]] std::string metrics_page(const AgentPicture& picture, const WishBook& wishes,
                                       const ControlFigures& figures);

}  // namespace meridian::agent

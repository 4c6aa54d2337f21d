// What the liveness socket tells of this server, gathered from its parts.
//
// look() is called on one thread, the socket's; set_ready() on any.
#pragma once

#include "base/clock.hpp"
#include "control/health_keeper.hpp"
#include "control/liveness_socket.hpp"
#include "control/reloader.hpp"
#include "net/listen_tally.hpp"
#include "stats/counters.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace meridian::control {

class LivenessView {
 public:
  /// All outlive it.
  LivenessView(const Reloader& reloader, const HealthKeeper& health, const stats::CounterRegistry& counters,
               const base::Clock& clock)
      : reloader_(reloader), health_(health), counters_(counters), clock_(clock) {}

  /// The first map serves, and its sockets are open; once only. Before, nothing of a map is looked at.
  void set_ready(net::QueriesByAddress queries_by_address) {
    queries_by_address_ = std::move(queries_by_address);
    is_ready_ = true;
  }

  [[nodiscard]] Liveness look();

 private:
  void learn(const Serving& serving);
  [[nodiscard]] std::chrono::seconds oldest_input();

  const Reloader& reloader_;
  const HealthKeeper& health_;
  const stats::CounterRegistry& counters_;
  const base::Clock& clock_;
  std::atomic<bool> is_ready_{false};
  net::QueriesByAddress queries_by_address_;  ///< read once is_ready_ is set

  std::uint64_t epoch_ = 0;  ///< that the next two are of
  std::vector<std::string> zones_;
  bool is_probing_ = false;
  std::optional<base::MonotonicTime> refused_since_;  ///< reloads
  std::uint64_t probes_ = 0;                          ///< results so far
  base::MonotonicTime probed_at_{};                   ///< the last of them came, or none was wanted
};

}  // namespace meridian::control

// The thread that probes: one io_context, the transports, and the scheduler that starts them.
//
// Judges nothing: results go to the handlers, on this thread.
#pragma once

#include "base/clock.hpp"
#include "health/probe_result.hpp"
#include "probe/target.hpp"
#include "stats/counters.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace meridian::probe {

class Engine {
 public:
  /// Called on the engine's thread; they must neither block it nor throw.
  struct Handlers {
    /// `epoch` and `target` (an index) as in the set_targets() that is in force.
    std::function<void(std::uint64_t epoch, std::size_t target, const health::ProbeResult&)> on_result;
    /// See Scheduler::Handlers.
    std::function<void(std::uint64_t epoch, bool is_complete)> on_first_round;
  };

  /// Starts the thread. `counters` is its block.
  Engine(const base::Clock& clock, stats::Counters& counters, Handlers handlers);
  /// Stops it; no handler is called afterwards.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// What is probed from now on; any thread. See Scheduler::set_targets. What checks name on disk is read
  /// anew.
  void set_targets(std::uint64_t epoch, std::vector<Target> targets);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace meridian::probe

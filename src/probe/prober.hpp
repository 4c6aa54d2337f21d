// The seam between when endpoints are probed (scheduler.hpp) and how (one class a transport).
//
// A prober belongs to one thread, the one that runs its io_context, and never blocks it.
#pragma once

#include "health/probe_result.hpp"
#include "probe/target.hpp"

#include <cstdint>
#include <functional>

namespace meridian::probe {

/// A probe on its way; a prober never gives one twice.
enum class ProbeId : std::uint64_t {};

using Done = std::function<void(health::ProbeResult)>;

class Prober {
 public:
  Prober() = default;
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;
  virtual ~Prober() = default;

  /// Probes once. Calls `done` once, later and never from within start(), at about `timeout_ms` of the check
  /// at the latest.
  [[nodiscard]] virtual ProbeId start(const Target& target, Done done) = 0;

  /// Ends a probe; its `done` is not called any more. One that is done is no error.
  virtual void cancel(ProbeId id) = 0;

  /// Lets go of what was prepared for checks (certificates read from files, compiled expressions), so that
  /// the next probes see what stands on disk now. For a new map.
  virtual void forget_checks() {}
};

}  // namespace meridian::probe

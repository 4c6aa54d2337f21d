// What services reported of themselves (checks of type `push`): each report holds for the check's lease.
//
// Only values and times: reports come from the API, results go where those of probes go. One thread.
#pragma once

#include "base/clock.hpp"
#include "health/probe_result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace meridian::probe {

class PushLeases {
 public:
  /// What an endpoint said.
  struct Report {
    bool is_ok = false;
    std::string cause;                            ///< foreign text; for a failure
    std::optional<std::uint32_t> weight_percent;  ///< 0 to 100; more is taken as 100
  };

  /// A result to be judged like that of a probe.
  struct Outcome {
    std::size_t target = 0;
    health::ProbeResult result;
  };

  /// `count` targets that have reported nothing. They have failed nothing either: what never reported is
  /// unknown, not down.
  explicit PushLeases(std::size_t count) : leases_(count) {}

  /// Takes a report; the result is to be judged at once. `target` below the count, `lease_s` at least 1.
  [[nodiscard]] health::ProbeResult report(std::size_t target, const Report& report, std::uint32_t lease_s,
                                           base::MonotonicTime now);

  /// Failures of those whose lease is over by now: one for each further lease without a report, so that
  /// `down_after` counts as it does for probes.
  [[nodiscard]] std::vector<Outcome> expire(base::MonotonicTime now);
  /// When to call expire() next; nullopt: nothing is held.
  [[nodiscard]] std::optional<base::MonotonicTime> next_end() const;

  /// Moves what `from` of another epoch holds of `target_there` to `target`.
  void carry(std::size_t target, const PushLeases& from, std::size_t target_there);

 private:
  struct Lease {
    std::optional<base::MonotonicTime> end;
    std::uint32_t lease_s = 0;
  };
  std::vector<Lease> leases_;
};

}  // namespace meridian::probe

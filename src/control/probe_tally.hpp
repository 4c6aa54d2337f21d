// What probes of each check found and how long they took, for the metrics page.
//
// Kept by name and type, so that it outlives reloads; checks past limits::kMetricChecksMax are counted
// together, for good. Not thread-safe; HealthKeeper locks.
#pragma once

#include "config/check.hpp"
#include "health/probe_result.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace meridian::control {

/// Upper bounds of the buckets of durations; what is above them has one of its own. A datacenter nearby takes
/// a few milliseconds, one on another continent some hundred; time-outs are seconds.
inline constexpr auto kProbeDurationBounds = std::to_array<std::chrono::microseconds>(
    {std::chrono::milliseconds{1}, std::chrono::microseconds{2'500}, std::chrono::milliseconds{5},
     std::chrono::milliseconds{10}, std::chrono::milliseconds{25}, std::chrono::milliseconds{50},
     std::chrono::milliseconds{100}, std::chrono::milliseconds{250}, std::chrono::milliseconds{500},
     std::chrono::seconds{1}, std::chrono::milliseconds{2'500}, std::chrono::seconds{5}});

struct ProbeCounts {
  std::uint64_t ok = 0;
  std::uint64_t failed = 0;
  std::array<std::uint64_t, kProbeDurationBounds.size() + 1> buckets{};  ///< by duration, not cumulative
  std::uint64_t sum_us = 0;
};

/// What stands for checks past the limit, as name and as type.
inline constexpr const char* kOtherChecks = "other";

class ProbeTally {
 public:
  using Key = std::pair<std::string, std::string>;  ///< name and type of a check

  /// What was reported took no time: it counts as a result alone.
  void add(const config::Check& check, const health::ProbeResult& result);

  [[nodiscard]] const std::map<Key, ProbeCounts>& counts() const noexcept { return counts_; }

 private:
  [[nodiscard]] ProbeCounts& own_or_other(const config::Check& check);

  std::map<Key, ProbeCounts> counts_;
};

}  // namespace meridian::control

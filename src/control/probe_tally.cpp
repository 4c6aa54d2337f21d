#include "control/probe_tally.hpp"

#include "base/limits.hpp"

#include <algorithm>

namespace meridian::control {

void ProbeTally::add(const config::Check& check, const health::ProbeResult& result) {
  auto& counts = own_or_other(check);
  ++(result.is_ok ? counts.ok : counts.failed);
  if (check.type == config::Check::Type::Push) return;
  const auto* const bound = std::ranges::lower_bound(kProbeDurationBounds, result.took);
  ++counts.buckets[static_cast<std::size_t>(bound - kProbeDurationBounds.begin())];
  counts.sum_us += static_cast<std::uint64_t>(std::max<std::int64_t>(result.took.count(), 0));
}

/// A check that counted together with others does so for good: a counter that changed its series would go
/// back.
ProbeCounts& ProbeTally::own_or_other(const config::Check& check) {
  Key key{check.name, to_string(check.type)};
  if (const auto found = counts_.find(key); found != counts_.end()) return found->second;
  // One more, for those of all others.
  if (counts_.size() >= base::limits::kMetricChecksMax) key = {kOtherChecks, kOtherChecks};
  return counts_[std::move(key)];
}

}  // namespace meridian::control

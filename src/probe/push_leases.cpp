#include "probe/push_leases.hpp"

#include "probe/cause.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace meridian::probe {

using std::chrono::seconds;

health::ProbeResult PushLeases::report(std::size_t target, const Report& report, std::uint32_t lease_s,
                                       base::MonotonicTime now) {
  leases_[target] = {now + seconds{lease_s}, lease_s};
  health::ProbeResult result =
      report.is_ok ? success()
                   : failure(report.cause.empty() ? "the endpoint says that it is down" : report.cause);
  if (report.weight_percent) result.weight_percent = std::min(*report.weight_percent, 100u);
  return result;
}

std::vector<PushLeases::Outcome> PushLeases::expire(base::MonotonicTime now) {
  std::vector<Outcome> outcomes;
  for (std::size_t target = 0; target < leases_.size(); ++target) {
    Lease& lease = leases_[target];
    if (!lease.end || *lease.end > now) continue;
    lease.end = now + seconds{lease.lease_s};
    outcomes.push_back({target, failure(fmt::format("push: no report for {} s", lease.lease_s))});
  }
  return outcomes;
}

std::optional<base::MonotonicTime> PushLeases::next_end() const {
  std::optional<base::MonotonicTime> next;
  for (const Lease& lease : leases_) {
    if (lease.end && (!next || *lease.end < *next)) next = lease.end;
  }
  return next;
}

void PushLeases::carry(std::size_t target, const PushLeases& from, std::size_t target_there) {
  leases_[target] = from.leases_[target_there];
}

}  // namespace meridian::probe

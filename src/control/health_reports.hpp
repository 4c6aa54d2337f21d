// The seam between the API that takes reports of endpoints and whoever holds their leases.
#pragma once

#include "base/expected.hpp"
#include "base/ip.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace meridian::control {

/// What an endpoint says of itself, for a check of type `push`.
struct HealthReport {
  std::string check;
  base::IpAddress address;
  bool is_ok = false;
  std::string cause;                            ///< of a failure
  std::optional<std::uint32_t> weight_percent;  ///< 0 to 100
};

class HealthReports {
 public:
  HealthReports() = default;
  HealthReports(const HealthReports&) = delete;
  HealthReports& operator=(const HealthReports&) = delete;
  virtual ~HealthReports() = default;

  /// Takes a report. The error is one line for the operator: the epoch that serves has no such endpoint.
  [[nodiscard]] virtual base::Expected<void, std::string> report(const HealthReport& report) = 0;
};

}  // namespace meridian::control

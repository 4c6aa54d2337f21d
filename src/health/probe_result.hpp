// What one probe of one endpoint found. Written by src/probe, judged by health/.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace meridian::health {

struct ProbeResult {
  bool is_ok = false;
  std::chrono::microseconds took{};
  /// Why it failed, one line without control characters, at most limits::kProbeCauseBytesMax: "connect:
  /// refused", "status 503, wanted 200-299". Empty when it is ok.
  std::string cause;
  /// A thing to tell operators that is no failure: "certificate ends in 12 days". Mostly empty.
  std::string warning;
  /// The share of its weight the endpoint asked for, 0 to 100; nullopt: it asked for nothing.
  std::optional<std::uint32_t> weight_percent;
};

}  // namespace meridian::health

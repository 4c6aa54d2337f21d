// Results, and words for why a probe failed: one line, short, without control characters.
#pragma once

#include "health/probe_result.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace meridian::probe {

/// Foreign text as a part of a line: control characters and bytes outside ASCII become '?', and what is
/// longer than limits::kProbeCauseBytesMax is cut.
[[nodiscard]] std::string clean_text(std::string_view text);

/// An errno in few words: "refused", "no route to the host".
[[nodiscard]] std::string error_words(int error);

/// "connect: refused".
[[nodiscard]] std::string connect_cause(int error);

/// "connect: timed out after 2000 ms".
[[nodiscard]] std::string timeout_cause(std::string_view phase, std::chrono::milliseconds timeout);

[[nodiscard]] health::ProbeResult success();

/// A failure; the cause goes through clean_text().
[[nodiscard]] health::ProbeResult failure(std::string_view cause);

}  // namespace meridian::probe

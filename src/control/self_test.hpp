// What a new server asks itself before it takes over: does it serve what was served?
#pragma once

#include "base/expected.hpp"
#include "control/reloader.hpp"

#include <string>
#include <vector>

namespace meridian::control {

/// Asks for the SOA of every zone, as a client over TCP. The error names the first zone that does not answer,
/// or one of `served_before` that the map still names and that is not served.
[[nodiscard]] base::Expected<void, std::string> self_test(const Serving& serving,
                                                          const std::vector<std::string>& served_before);

/// The apexes of a snapshot's zones.
[[nodiscard]] std::vector<std::string> zone_names(const query::Snapshot& snapshot);

}  // namespace meridian::control

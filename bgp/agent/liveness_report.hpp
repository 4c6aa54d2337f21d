// What `meridiand` says of itself on its liveness socket, once a second and on each change: a packet of JSON.
// Values; no I/O, any thread.
#pragma once

#include "base/expected.hpp"
#include "dns/name.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::agent {

struct LivenessReport {
  bool is_ready = false;  ///< it has a map, and answers
  std::uint64_t epoch = 0;
  std::string site;
  std::vector<dns::Name> zones;  ///< the first by name, if there are many
  /// Of map, GeoIP data and health the age of the oldest; nothing: none of them grows old.
  std::optional<std::chrono::seconds> oldest_input;
  std::uint64_t queries = 0;  ///< answered so far
  /// Received so far at each address that the server listens at, as net::to_string writes them; empty: the
  /// server is older and does not say.
  std::map<std::string, std::uint64_t, std::less<>> queries_by_address;
  std::uint64_t drops = 0;  ///< and not, by a limit or for lack of time

  friend bool operator==(const LivenessReport&, const LivenessReport&) = default;
};

/// The error is a clause: "'epoch' is no number". Keys that are not known are left alone, so that the server
/// may be newer than the agent.
[[nodiscard]] base::Expected<LivenessReport, std::string> parse_liveness(std::string_view text);

}  // namespace meridian::agent

// A server's own counts as the text that parse_demand reads: the networks it is sure of on lines, and what it
// is not sure of in comments.
//
// Counts → text; knows nothing of servers. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace meridian::plan {

/// How many queries of each client network a server counted, as it tells them (docs/control-api.md).
struct CountedDemand {
  struct Network {
    std::string network;
    std::uint64_t queries = 0;
    std::uint64_t error = 0;  ///< so many of them may be those of networks that lost their place
  };

  std::string site;
  std::string since;
  std::string until;
  double seconds = 0;
  std::uint32_t sample = 1;
  std::uint64_t queries = 0;
  std::uint64_t networks_evicted = 0;
  std::uint64_t missing_max = 0;  ///< no network that is not among these has more
  std::vector<Network> networks;  ///< most queries first
};

enum class DemandUnit : std::uint8_t { PerSecond, Queries };

/// A line for each network with at least `min_queries` that are certainly its own, and not fewer of them than
/// of doubtful ones; the amount is what is certain.
[[nodiscard]] std::string demand_text(const CountedDemand& counted, DemandUnit unit,
                                      std::uint64_t min_queries);

}  // namespace meridian::plan

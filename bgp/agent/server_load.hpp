// How many queries a server answers and drops, or how many come to one of its addresses, by the totals that
// it tells once a second. Plain values.
#pragma once

#include "base/clock.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace meridian::agent {

/// A server that drops a fifth of its queries for so long is overloaded; less is a burst.
inline constexpr std::chrono::seconds kOverloadTime{30};
inline constexpr double kOverloadShare = 0.2;
/// The rate is that of the last seconds: long enough that single queries do not make it jump.
inline constexpr std::chrono::seconds kRateTime{10};
/// A drained VIP is quiet below this share of the rate before the drain, or below one query a second: at that
/// rate what is counted at different moments weighs more than clients do.
inline constexpr double kQuietShare = 0.01;
inline constexpr double kQuietRate = 1.0;

/// Queries of clients a second, at one moment.
struct ClientRates {
  std::optional<double> server;        ///< that it answers in all
  std::map<std::string, double> vips;  ///< by name: that come to those with an address of their own
};

class ServerLoad {
 public:
  /// Totals since the server started, and the queries among them that were the agent's own. Totals that are
  /// less than before are another server's, and begin anew.
  void note(base::MonotonicTime now, std::uint64_t queries, std::uint64_t drops, std::uint64_t own_queries);

  /// Of clients, answered, a second; nothing before there are two totals.
  [[nodiscard]] std::optional<double> queries_per_s() const;
  [[nodiscard]] bool is_overloaded() const;
  /// Less than a hundredth of `rate_before` arrives.
  [[nodiscard]] bool is_quiet(double rate_before) const;

 private:
  struct Totals {
    base::MonotonicTime at;
    std::uint64_t queries = 0;
    std::uint64_t drops = 0;
    std::uint64_t own = 0;
  };

  /// The youngest one that is at least so much older than the last, else the oldest.
  [[nodiscard]] const Totals& before(std::chrono::seconds time) const;

  std::deque<Totals> totals_;  ///< those of kOverloadTime and the one before
};

}  // namespace meridian::agent

// Where steered queries come from: how many of each client network, in fixed memory, since it was switched on
// or started over. It holds networks, never addresses, and only in memory.
//
// The writer thread adds, the control thread reads and starts over. Thread-safe.
#pragma once

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "stats/heavy_hitters.hpp"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace meridian::querylog {

/// The network that an address is counted in: its /24 (IPv4, also where IPv6 carries it) or /48.
[[nodiscard]] base::IpPrefix demand_network(const base::IpAddress& client) noexcept;

struct DemandTotals {
  std::chrono::system_clock::time_point since;
  std::chrono::milliseconds lasted{};  ///< from then until now, by a clock that does not jump
  std::uint32_t sample = 1;            ///< by now; what came before counted as it was sampled then
  std::uint64_t queries = 0;           ///< each counted one as many as it stands for
  std::size_t networks = 0;
  std::uint64_t evicted = 0;      ///< times a network lost its place
  std::uint64_t missing_max = 0;  ///< no network that has no place has more queries
};

struct CountedNetwork {
  base::IpPrefix network;
  std::uint64_t queries = 0;
  std::uint64_t error = 0;  ///< so many of them may be those of networks that lost their place

  friend bool operator==(const CountedNetwork&, const CountedNetwork&) = default;
};

struct DemandReport {
  DemandTotals totals;
  std::vector<CountedNetwork> networks;  ///< most queries first
};

class DemandBook {
 public:
  /// `clock` outlives the book, which is off.
  explicit DemandBook(const base::Clock& clock) : clock_(clock) {}
  DemandBook(const DemandBook&) = delete;
  DemandBook& operator=(const DemandBook&) = delete;

  /// One query in `sample` will be added. What was counted stays; 0 switches off and forgets it.
  void set_sample(std::uint32_t sample);

  /// Counts `queries` for the client's network. True when another network lost its place for it. Nothing
  /// while it is off.
  bool add(const base::IpAddress& client, std::uint32_t queries);

  /// nullopt: it is off. So with the others.
  [[nodiscard]] std::optional<DemandTotals> totals() const;
  [[nodiscard]] std::optional<DemandReport> report() const;
  /// As report(), and starts over: no query is in two reports or in none.
  [[nodiscard]] std::optional<DemandReport> take_report();

 private:
  [[nodiscard]] DemandTotals totals_now() const;
  [[nodiscard]] static DemandReport make_report(const DemandTotals& totals,
                                                const std::vector<stats::HeavyHitters::Item>& items);
  void start_over();

  const base::Clock& clock_;
  mutable std::mutex mutex_;
  std::optional<stats::HeavyHitters> counts_;  ///< absent: off
  std::uint32_t sample_ = 0;
  std::chrono::system_clock::time_point since_;
  base::MonotonicTime started_;
};

}  // namespace meridian::querylog

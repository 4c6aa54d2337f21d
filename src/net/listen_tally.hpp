// How many queries came to one listen address: a cell for each thread that serves it.
//
// Knows nothing of sockets. A cell has one writing thread, any thread may read it. HOT: QueryCell::add
// compiles to a plain add, without a lock prefix.
#pragma once

#include "net/address.hpp"
#include "net/handler.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace meridian::net {

/// A cache line of its own: the threads of an address write at the same time.
class alignas(64) QueryCell {
 public:
  /// HOT. Only from the thread that owns it, so load and store may be apart.
  void add(std::uint64_t n) noexcept {
    queries_.store(queries_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  /// From any thread.
  [[nodiscard]] std::uint64_t value() const noexcept { return queries_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> queries_{0};
};

/// What came to an address so far, by transport: the queries that UdpQueries and TcpQueries count, whatever
/// was answered.
struct AddressQueries {
  ListenAddress listen;  ///< With the real port.
  std::uint64_t udp = 0;
  std::uint64_t tcp = 0;
};

/// Tells them of each address that is listened at. From any thread.
using QueriesByAddress = std::function<std::vector<AddressQueries>()>;

class ListenTally {
 public:
  explicit ListenTally(std::size_t udp_workers) : cells_(udp_workers + 1) {}

  /// The cell of one thread of `tally`, which lives for as long as that is held: a connection may outlive the
  /// address that it came to.
  [[nodiscard]] static std::shared_ptr<QueryCell> cell(const std::shared_ptr<ListenTally>& tally,
                                                       WorkerIndex thread) {
    return {tally, &tally->cells_.at(static_cast<std::size_t>(thread))};
  }

  [[nodiscard]] std::uint64_t udp() const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i + 1 < cells_.size(); ++i) sum += cells_[i].value();
    return sum;
  }
  [[nodiscard]] std::uint64_t tcp() const noexcept { return cells_.back().value(); }

 private:
  std::vector<QueryCell> cells_;  ///< By WorkerIndex: the TCP thread's is the last.
};

}  // namespace meridian::net

// How long answering takes: a histogram each worker fills from some of its batches, and their sum.
//
// No clock here: the caller looks at one, once in limits::kLatencySampleBatches batches. Each block has one
// writing thread; any thread may read it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>

namespace meridian::stats {

/// Upper bounds of the buckets; what is above them has one of its own. A kept answer takes some 100 ns, a
/// composed one under a microsecond; what is slower waited for memory or was put off by the kernel.
inline constexpr auto kLatencyBounds = std::to_array<std::chrono::nanoseconds>(
    {std::chrono::nanoseconds{100}, std::chrono::nanoseconds{250}, std::chrono::nanoseconds{500},
     std::chrono::microseconds{1}, std::chrono::nanoseconds{2'500}, std::chrono::microseconds{5},
     std::chrono::microseconds{10}, std::chrono::microseconds{25}, std::chrono::microseconds{50},
     std::chrono::microseconds{100}, std::chrono::microseconds{500}, std::chrono::milliseconds{1},
     std::chrono::milliseconds{10}});

struct LatencyTotals {
  std::array<std::uint64_t, kLatencyBounds.size() + 1> counts{};  ///< by bucket, not cumulative
  std::uint64_t sum_ns = 0;
};

/// One thread's. Aligned so that two blocks never share a cache line.
class alignas(64) LatencyBlock {
 public:
  LatencyBlock() = default;
  LatencyBlock(const LatencyBlock&) = delete;
  LatencyBlock& operator=(const LatencyBlock&) = delete;

  /// A batch of `answers`, above 0, took `whole`: each counts as its mean.
  void add(std::chrono::nanoseconds whole, std::size_t answers) noexcept {
    const auto each = whole / static_cast<std::chrono::nanoseconds::rep>(answers);
    std::size_t bucket = 0;
    while (bucket < kLatencyBounds.size() && each > kLatencyBounds[bucket]) ++bucket;
    move_on(counts_[bucket], answers);
    move_on(sum_ns_, static_cast<std::uint64_t>(whole.count()));
  }
  /// From any thread.
  void add_to(LatencyTotals& totals) const noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i)
      totals.counts[i] += counts_[i].load(std::memory_order_relaxed);
    totals.sum_ns += sum_ns_.load(std::memory_order_relaxed);
  }

 private:
  static void move_on(std::atomic<std::uint64_t>& cell, std::uint64_t n) noexcept {
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, kLatencyBounds.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_ns_{0};
};

/// Owns one block per registered thread. Thread-safe. A block outlives its thread.
class LatencyRegistry {
 public:
  /// A new block for one writing thread; valid as long as the registry.
  [[nodiscard]] LatencyBlock& register_block() {
    const std::lock_guard lock(mutex_);
    return blocks_.emplace_back();
  }
  [[nodiscard]] LatencyTotals totals() const {
    const std::lock_guard lock(mutex_);
    LatencyTotals totals;
    for (const auto& block : blocks_) block.add_to(totals);
    return totals;
  }

 private:
  mutable std::mutex mutex_;
  std::deque<LatencyBlock> blocks_;
};

}  // namespace meridian::stats

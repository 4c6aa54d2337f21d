// What is known of every endpoint and wanted of every datacenter right now: one atomic word each, written by
// probes and operators, read by every worker.
//
// A table belongs to one snapshot: EndpointId and DatacenterId index both. HOT: reading is one relaxed load.
// Readers may see two endpoints at slightly different times; each word is whole.
#pragma once

#include "base/ids.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

namespace meridian::health {

/// Unknown (never probed, or the result is too old) counts as up: monitoring errors must not become outages.
enum class EndpointState : std::uint8_t { Unknown = 0, Up = 1, Down = 2 };

/// A datacenter that sheds nothing.
inline constexpr std::uint32_t kKeepsAll = 1u << 16;

class HealthTable {
 public:
  /// Every endpoint starts Unknown, every datacenter and pool keeps all its clients.
  HealthTable(std::size_t endpoint_count, std::size_t datacenter_count, std::size_t pool_count = 0)
      : words_(std::make_unique<std::atomic<std::uint32_t>[]>(endpoint_count)),
        size_(endpoint_count),
        shed_(std::make_unique<std::atomic<std::uint32_t>[]>(datacenter_count)),
        pool_shed_(std::make_unique<std::atomic<std::uint32_t>[]>(pool_count)) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// What is known, whatever an operator forces.
  [[nodiscard]] EndpointState state(base::EndpointId endpoint) const noexcept {
    return static_cast<EndpointState>(words_[base::index_of(endpoint)].load(std::memory_order_relaxed) &
                                      kStateBits);
  }
  /// What an operator forces it to be: up or down. nullopt: nothing.
  [[nodiscard]] std::optional<EndpointState> forced(base::EndpointId endpoint) const noexcept {
    const auto bits = words_[base::index_of(endpoint)].load(std::memory_order_relaxed) & kForcedBits;
    if (bits == 0) return std::nullopt;
    return static_cast<EndpointState>(bits >> kForcedShift);
  }
  [[nodiscard]] bool is_serving(base::EndpointId endpoint) const noexcept {
    const auto word = words_[base::index_of(endpoint)].load(std::memory_order_relaxed);
    const auto deciding = (word & kForcedBits) != 0 ? word >> kForcedShift : word;
    return (deciding & kStateBits) != static_cast<std::uint32_t>(EndpointState::Down);
  }

  /// Leaves alone what is forced.
  void set_state(base::EndpointId endpoint, EndpointState state) noexcept {
    set_bits(words_[base::index_of(endpoint)], ~kForcedBits, static_cast<std::uint32_t>(state));
  }
  /// Whatever is known of it, an operator says it is up or down; nullopt ends that.
  void force(base::EndpointId endpoint, std::optional<EndpointState> state) noexcept {
    const auto bits = static_cast<std::uint32_t>(state.value_or(EndpointState::Unknown));
    set_bits(words_[base::index_of(endpoint)], kForcedBits, bits << kForcedShift);
  }

  /// What a datacenter is to keep of its health, 0 to kKeepsAll: less than all where an operator sheds load
  /// from it, nothing where it is drained.
  [[nodiscard]] std::uint32_t kept(base::DatacenterId datacenter) const noexcept {
    return kKeepsAll - shed_[base::index_of(datacenter)].load(std::memory_order_relaxed);
  }
  void set_kept(base::DatacenterId datacenter, std::uint32_t kept) noexcept {
    set(shed_[base::index_of(datacenter)], kKeepsAll - kept);
  }

  /// The same of one pool. What counts is the less of it and its datacenter's.
  [[nodiscard]] std::uint32_t kept(base::PoolId pool) const noexcept {
    return kKeepsAll - pool_shed_[base::index_of(pool)].load(std::memory_order_relaxed);
  }
  void set_kept(base::PoolId pool, std::uint32_t kept) noexcept {
    set(pool_shed_[base::index_of(pool)], kKeepsAll - kept);
  }

  /// Moves on behind every change: whoever saw a number and then looked up what it derives from the table may
  /// keep that for as long as it sees the same number.
  [[nodiscard]] std::uint64_t generation() const noexcept {
    return generation_.load(std::memory_order_acquire);
  }

 private:
  // A word: what is known in the lowest two bits, what is forced in the next two (0: nothing).
  static constexpr std::uint32_t kStateBits = 3;
  static constexpr std::uint32_t kForcedShift = 2;
  static constexpr std::uint32_t kForcedBits = kStateBits << kForcedShift;

  /// Probes and operators write parts of one word.
  void set_bits(std::atomic<std::uint32_t>& word, std::uint32_t mask, std::uint32_t bits) noexcept {
    auto old = word.load(std::memory_order_relaxed);
    while (!word.compare_exchange_weak(old, (old & ~mask) | bits, std::memory_order_relaxed)) {
    }
    if (((old & ~mask) | bits) != old) generation_.fetch_add(1, std::memory_order_release);
  }
  void set(std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    if (word.exchange(value, std::memory_order_relaxed) == value) return;
    generation_.fetch_add(1, std::memory_order_release);
  }

  std::unique_ptr<std::atomic<std::uint32_t>[]> words_;
  std::size_t size_;
  std::unique_ptr<std::atomic<std::uint32_t>[]> shed_;  ///< kKeepsAll less what is kept, so that 0 is usual
  std::unique_ptr<std::atomic<std::uint32_t>[]> pool_shed_;
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace meridian::health

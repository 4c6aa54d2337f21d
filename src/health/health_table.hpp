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
#include <span>

namespace meridian::health {

/// Unknown (never probed, or the result is too old) counts as up: monitoring errors must not become outages.
enum class EndpointState : std::uint8_t { Unknown = 0, Up = 1, Down = 2 };

/// A datacenter that sheds nothing.
inline constexpr std::uint32_t kKeepsAll = 1u << 16;

class HealthTable {
 public:
  /// Every endpoint starts Unknown, every datacenter keeps all its clients.
  HealthTable(std::size_t endpoint_count, std::size_t datacenter_count)
      : words_(std::make_unique<std::atomic<std::uint32_t>[]>(endpoint_count)),
        size_(endpoint_count),
        shed_(std::make_unique<std::atomic<std::uint32_t>[]>(datacenter_count)) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  [[nodiscard]] EndpointState state(base::EndpointId endpoint) const noexcept {
    return static_cast<EndpointState>(words_[base::index_of(endpoint)].load(std::memory_order_relaxed));
  }
  [[nodiscard]] bool is_serving(base::EndpointId endpoint) const noexcept {
    return state(endpoint) != EndpointState::Down;
  }

  void set_state(base::EndpointId endpoint, EndpointState state) noexcept {
    set(words_[base::index_of(endpoint)], static_cast<std::uint32_t>(state));
  }

  /// What a datacenter is to keep of its health, 0 to kKeepsAll: less than all where an operator sheds load
  /// from it, nothing where it is drained.
  [[nodiscard]] std::uint32_t kept(base::DatacenterId datacenter) const noexcept {
    return kKeepsAll - shed_[base::index_of(datacenter)].load(std::memory_order_relaxed);
  }
  void set_kept(base::DatacenterId datacenter, std::uint32_t kept) noexcept {
    set(shed_[base::index_of(datacenter)], kKeepsAll - kept);
  }

  /// Moves on behind every change: whoever saw a number and then looked up what it derives from the table may
  /// keep that for as long as it sees the same number.
  [[nodiscard]] std::uint64_t generation() const noexcept {
    return generation_.load(std::memory_order_acquire);
  }

 private:
  void set(std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    if (word.exchange(value, std::memory_order_relaxed) == value) return;
    generation_.fetch_add(1, std::memory_order_release);
  }

  std::unique_ptr<std::atomic<std::uint32_t>[]> words_;
  std::size_t size_;
  std::unique_ptr<std::atomic<std::uint32_t>[]> shed_;  ///< kKeepsAll less what is kept, so that 0 is usual
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace meridian::health

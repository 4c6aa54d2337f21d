// What is known of every endpoint right now: one atomic word each, written by probes and operators, read by
// every worker.
//
// A table belongs to one snapshot: EndpointId indexes both. HOT: reading is one relaxed load. Readers may see
// two endpoints at slightly different times; each word is whole.
#pragma once

#include "base/ids.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

namespace meridian::health {

/// Unknown (never probed, or the result is too old) counts as up: monitoring errors must not become outages.
enum class EndpointState : std::uint8_t { Unknown = 0, Up = 1, Down = 2 };

class HealthTable {
 public:
  /// Every endpoint starts Unknown.
  explicit HealthTable(std::size_t endpoint_count)
      : words_(std::make_unique<std::atomic<std::uint32_t>[]>(endpoint_count)), size_(endpoint_count) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  [[nodiscard]] EndpointState state(base::EndpointId endpoint) const noexcept {
    return static_cast<EndpointState>(words_[base::index_of(endpoint)].load(std::memory_order_relaxed));
  }
  [[nodiscard]] bool is_serving(base::EndpointId endpoint) const noexcept {
    return state(endpoint) != EndpointState::Down;
  }

  void set_state(base::EndpointId endpoint, EndpointState state) noexcept {
    words_[base::index_of(endpoint)].store(static_cast<std::uint32_t>(state), std::memory_order_relaxed);
  }

 private:
  std::unique_ptr<std::atomic<std::uint32_t>[]> words_;
  std::size_t size_;
};

}  // namespace meridian::health

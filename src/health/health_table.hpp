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

/// One endpoint's word: all that a query reads of it.
struct EndpointWord {
  EndpointState state = EndpointState::Unknown;
  /// The share of its weight that the endpoint asks for, 0 to 100.
  std::uint8_t weight_percent = 100;
  /// Seconds until it may change what it serves at the earliest, rounded down, at least 1; 0: no change is
  /// near.
  std::uint16_t change_in_s = 0;
  /// What an operator forces it to be, whatever is known; Unknown: nothing.
  EndpointState forced = EndpointState::Unknown;

  [[nodiscard]] constexpr bool is_serving() const noexcept {
    return (forced == EndpointState::Unknown ? state : forced) != EndpointState::Down;
  }
  friend constexpr bool operator==(const EndpointWord&, const EndpointWord&) = default;
};

class HealthTable {
 public:
  /// Every endpoint starts Unknown, every datacenter and pool keeps all its clients, no service fails open.
  HealthTable(std::size_t endpoint_count, std::size_t datacenter_count, std::size_t service_count = 0,
              std::size_t pool_count = 0)
      : words_(std::make_unique<std::atomic<std::uint32_t>[]>(endpoint_count)),
        size_(endpoint_count),
        shed_(std::make_unique<std::atomic<std::uint32_t>[]>(datacenter_count)),
        open_(std::make_unique<std::atomic<std::uint32_t>[]>(service_count)),
        pool_shed_(std::make_unique<std::atomic<std::uint32_t>[]>(pool_count)) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  [[nodiscard]] EndpointWord word(base::EndpointId endpoint) const noexcept {
    return unpack(words_[base::index_of(endpoint)].load(std::memory_order_relaxed));
  }
  /// What an operator forces it to be: up or down. nullopt: nothing.
  [[nodiscard]] std::optional<EndpointState> forced(base::EndpointId endpoint) const noexcept {
    const auto forced = word(endpoint).forced;
    return forced == EndpointState::Unknown ? std::nullopt : std::optional{forced};
  }
  /// What is known, whatever an operator forces.
  [[nodiscard]] EndpointState state(base::EndpointId endpoint) const noexcept { return word(endpoint).state; }
  [[nodiscard]] bool is_serving(base::EndpointId endpoint) const noexcept {
    return word(endpoint).is_serving();
  }

  /// Leaves alone what is forced.
  void set_word(base::EndpointId endpoint, EndpointWord word) noexcept {
    set_bits(words_[base::index_of(endpoint)], ~kForcedBits, pack(word) & ~kForcedBits);
  }
  /// Whatever is known of it, an operator says it is up or down; nullopt ends that.
  void force(base::EndpointId endpoint, std::optional<EndpointState> state) noexcept {
    const auto bits = static_cast<std::uint32_t>(state.value_or(EndpointState::Unknown));
    set_bits(words_[base::index_of(endpoint)], kForcedBits, bits << kForcedShift);
  }
  /// A state with its whole weight, and no change near. Leaves alone what is forced.
  void set_state(base::EndpointId endpoint, EndpointState state) noexcept {
    set_word(endpoint, {.state = state});
  }

  /// Too little of the service is healthy to carry its clients: all of it counts as healthy.
  [[nodiscard]] bool fails_open(base::ServiceId service) const noexcept {
    return open_[base::index_of(service)].load(std::memory_order_relaxed) != 0;
  }
  void set_fails_open(base::ServiceId service, bool fails_open) noexcept {
    set(open_[base::index_of(service)], fails_open ? 1 : 0);
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
  // state (2 bits) · what is forced (2; 0: nothing) · 4 bits unused · weight that is missing, in percent (8)
  // · seconds to a change (16): a word of 0 is an endpoint of which nothing is known.
  static constexpr std::uint32_t kStateBits = 3;
  static constexpr std::uint32_t kForcedShift = 2;
  static constexpr std::uint32_t kForcedBits = kStateBits << kForcedShift;

  [[nodiscard]] static constexpr std::uint32_t pack(EndpointWord word) noexcept {
    return static_cast<std::uint32_t>(word.state) | static_cast<std::uint32_t>(word.forced) << kForcedShift |
           (100u - word.weight_percent) << 8 | std::uint32_t{word.change_in_s} << 16;
  }
  [[nodiscard]] static constexpr EndpointWord unpack(std::uint32_t bits) noexcept {
    // What is forced does not change by itself.
    const auto change = static_cast<std::uint16_t>((bits & kForcedBits) == 0 ? bits >> 16 : 0);
    return {static_cast<EndpointState>(bits & kStateBits),
            static_cast<std::uint8_t>(100 - (bits >> 8 & 0xff)), change,
            static_cast<EndpointState>(bits >> kForcedShift & kStateBits)};
  }

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
  std::unique_ptr<std::atomic<std::uint32_t>[]> open_;  ///< by service
  std::unique_ptr<std::atomic<std::uint32_t>[]> pool_shed_;
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace meridian::health

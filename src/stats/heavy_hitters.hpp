// Which of many things come most often, in fixed memory: the space-saving sketch of Metwally, Agrawal and El
// Abbadi ("Efficient Computation of Frequent and Top-k Elements in Data Streams", ICDT 2005), with weights.
//
// A key is the caller's business. While there were never more different keys than places, every count is
// exact. After that, with a total of N and k places: every key that came more often than N ÷ k has a place,
// and for each that has one, count − error ≤ what truly came ≤ count, and error ≤ N ÷ k. The counts always
// add up to N. One thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace meridian::stats {

class HeavyHitters {
 public:
  struct Item {
    std::uint64_t key = 0;
    std::uint64_t count = 0;
    std::uint64_t error = 0;  ///< so much of the count may be others', which had the place before
  };

  /// All memory is taken here. `places`: at least 1, at most 2^31. `seed` must be secret where strangers
  /// choose the keys, or theirs could all fall on one spot.
  HeavyHitters(std::size_t places, std::uint64_t seed);

  /// True when another key lost its place to this one: one that came least.
  bool add(std::uint64_t key, std::uint64_t weight);

  /// Forgets everything, and keeps the memory.
  void clear();

  /// In no order.
  [[nodiscard]] std::vector<Item> items() const;
  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
  /// Times a key lost its place.
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }
  /// No key that has no place came more often.
  [[nodiscard]] std::uint64_t missing_max() const noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  using Number = std::uint32_t;  ///< of a slot

  struct Slot {
    Item item;
    Number heap_at = 0;
  };

  [[nodiscard]] std::size_t home_of(std::uint64_t key) const noexcept;
  /// Where in the index the key is, or where it would go.
  [[nodiscard]] std::size_t find(std::uint64_t key) const noexcept;
  void forget(std::uint64_t key) noexcept;
  void put_in_heap(std::size_t at, Number number) noexcept;
  void sift_up(std::size_t at) noexcept;
  void sift_down(std::size_t at) noexcept;

  const std::size_t places_;
  const std::uint64_t seed_;
  std::vector<Slot> slots_;
  std::vector<Number> heap_;   ///< the least count first; a binary heap
  std::vector<Number> index_;  ///< by hash with linear probing; at most half full
  std::uint64_t total_ = 0;
  std::uint64_t evicted_ = 0;
};

}  // namespace meridian::stats

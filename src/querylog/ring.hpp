// A queue of byte strings from one thread to one other, in fixed memory, without a lock.
//
// One producer thread calls reserve and commit, one consumer thread front and pop. When it is full the
// producer is told and goes on. HOT on the producer's side: no allocation, no system call, no waiting.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace meridian::querylog {

class Ring {
 public:
  /// `capacity`: a power of two; each string costs 8 bytes more than it is long, rounded up to 8.
  explicit Ring(std::size_t capacity);
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// HOT. Room for one string of `size` bytes (at least 1), in one piece; empty when there is none. Nothing
  /// is visible to the consumer before commit(); a second reserve() forgets the first.
  [[nodiscard]] std::span<std::uint8_t> reserve(std::size_t size) noexcept;
  /// HOT. Hands over what the last reserve() gave, which was not empty.
  void commit() noexcept;

  /// The oldest string, empty when there is none. Valid until pop().
  [[nodiscard]] std::span<const std::uint8_t> front() noexcept;
  /// Gives back what front() returned, which was not empty.
  void pop() noexcept;

 private:
  [[nodiscard]] std::uint8_t* at(std::uint64_t position) noexcept {
    return memory_.get() + (position & (capacity_ - 1));
  }

  const std::size_t capacity_;
  std::unique_ptr<std::uint8_t[]> memory_;
  // Positions count bytes for ever; the low bits are the place in memory. Each side's word on a cache line of
  // its own, with what that side alone remembers.
  alignas(64) std::atomic<std::uint64_t> written_{0};
  std::uint64_t reserved_end_ = 0;
  std::uint64_t read_seen_ = 0;  ///< The consumer's position when the producer last had to look.
  alignas(64) std::atomic<std::uint64_t> read_{0};
};

}  // namespace meridian::querylog

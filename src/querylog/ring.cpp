#include "querylog/ring.hpp"

#include "base/assert.hpp"

#include <cstring>

namespace meridian::querylog {
namespace {

/// What stands in memory, always at a multiple of 8:
///
///     size (8 bytes, host order) | the bytes | up to the next multiple of 8
///     kSkip                      | nothing more up to the end of the memory
constexpr std::size_t kHeadBytes = 8;
constexpr std::uint64_t kSkip = ~std::uint64_t{0};

constexpr std::size_t footprint(std::size_t size) noexcept {
  return (kHeadBytes + size + 7) & ~std::size_t{7};
}

std::uint64_t load_head(const std::uint8_t* from) noexcept {
  std::uint64_t head = 0;
  std::memcpy(&head, from, sizeof head);
  return head;
}

}  // namespace

// Not cleared: pages that no record ever reaches cost no memory.
Ring::Ring(std::size_t capacity) : capacity_(capacity), memory_(new std::uint8_t[capacity]) {
  MERIDIAN_ASSERT(capacity >= 64 && (capacity & (capacity - 1)) == 0);
}

std::span<std::uint8_t> Ring::reserve(std::size_t size) noexcept {
  const std::uint64_t start = written_.load(std::memory_order_relaxed);
  const std::size_t to_end = capacity_ - (start & (capacity_ - 1));
  const std::size_t need = footprint(size);
  const std::size_t skipped = need > to_end ? to_end : 0;
  const std::uint64_t end = start + skipped + need;
  if (end - read_seen_ > capacity_) {
    read_seen_ = read_.load(std::memory_order_acquire);
    if (end - read_seen_ > capacity_) return {};
  }
  if (skipped > 0) std::memcpy(at(start), &kSkip, sizeof kSkip);
  const std::uint64_t head = size;
  std::uint8_t* const place = at(start + skipped);
  std::memcpy(place, &head, sizeof head);
  reserved_end_ = end;
  return {place + kHeadBytes, size};
}

void Ring::commit() noexcept { written_.store(reserved_end_, std::memory_order_release); }

std::span<const std::uint8_t> Ring::front() noexcept {
  std::uint64_t position = read_.load(std::memory_order_relaxed);
  if (position == written_.load(std::memory_order_acquire)) return {};
  if (load_head(at(position)) == kSkip) {
    position += capacity_ - (position & (capacity_ - 1));
    // What was skipped is free from now on; a record always stands behind it.
    read_.store(position, std::memory_order_release);
  }
  return {at(position) + kHeadBytes, static_cast<std::size_t>(load_head(at(position)))};
}

void Ring::pop() noexcept {
  const std::uint64_t position = read_.load(std::memory_order_relaxed);
  read_.store(position + footprint(static_cast<std::size_t>(load_head(at(position)))),
              std::memory_order_release);
}

}  // namespace meridian::querylog

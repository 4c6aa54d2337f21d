#include "base/huge_pages.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace meridian::base {
namespace {

constexpr std::size_t kHugePageBytes = 2u << 20;
/// From here on at most a quarter is lost at the end.
constexpr std::size_t kAdvisedBytesMin = 4 * kHugePageBytes;
/// From here on memory of our own is rounded up to whole huge pages: at most half of it is lost, and a table
/// that is read at random by every query is worth that.
constexpr std::size_t kAlignedBytesMin = kHugePageBytes / 2;

constexpr bool is_aligned(std::size_t bytes) { return bytes >= kAlignedBytesMin; }

constexpr std::size_t round_up(std::size_t bytes) {
  return (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
}

}  // namespace

void* allocate_large(std::size_t bytes) {
  if (!is_aligned(bytes)) return ::operator new(bytes);
  void* const start = ::operator new (round_up(bytes), std::align_val_t{kHugePageBytes});
  static_cast<void>(::madvise(start, round_up(bytes), MADV_HUGEPAGE));  // fails only where there are none
  return start;
}

void deallocate_large(void* start, std::size_t bytes) noexcept {
  if (!is_aligned(bytes)) return ::operator delete(start);
  ::operator delete (start, std::align_val_t{kHugePageBytes});
}

void advise_huge_pages(void* start, std::size_t bytes) noexcept {
  if (bytes < kAdvisedBytesMin) return;
  const auto at = reinterpret_cast<std::uintptr_t>(start);
  const auto first = round_up(at);
  const auto end = (at + bytes) / kHugePageBytes * kHugePageBytes;
  // Fails only where the kernel has none.
  static_cast<void>(::madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE));
}

}  // namespace meridian::base

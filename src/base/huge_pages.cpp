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

void* allocate_large(std::size_t bytes, Pages kind) {
  if (!is_aligned(bytes)) return ::operator new(bytes);
  // From the kernel, not from the heap: a table of a hundred megabytes that was freed is to be gone.
  const std::size_t wanted = round_up(bytes);
  const std::size_t mapped = wanted + kHugePageBytes;
  void* const map = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) throw std::bad_alloc();
  const auto begin = reinterpret_cast<std::uintptr_t>(map);
  const auto start = round_up(begin);
  if (start != begin) ::munmap(map, start - begin);
  const std::size_t behind = begin + mapped - (start + wanted);
  if (behind != 0) ::munmap(reinterpret_cast<void*>(start + wanted), behind);
  auto* const pages = reinterpret_cast<void*>(start);
  // Fails only where there are none.
  if (kind == Pages::Huge) static_cast<void>(::madvise(pages, wanted, MADV_HUGEPAGE));
  return pages;
}

void deallocate_large(void* start, std::size_t bytes) noexcept {
  if (!is_aligned(bytes)) return ::operator delete(start);
  ::munmap(start, round_up(bytes));
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

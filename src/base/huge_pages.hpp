// Large tables on huge pages: they are read at random, and a page of 4 KiB costs a walk through the page
// tables for nearly every read. Linux only advises; without such pages everything works, only slower.
//
// Off the hot path.
#pragma once

#include <cstddef>
#include <vector>

namespace meridian::base {

/// Asks for huge pages under [start, start + bytes) before they are touched. Does nothing for less than some
/// megabytes: what is left of the last page is lost.
void advise_huge_pages(void* start, std::size_t bytes) noexcept;

/// Memory that starts on a huge page and fills whole ones, from a size on where little is lost by it; smaller
/// pieces come from the heap. Throws std::bad_alloc.
[[nodiscard]] void* allocate_large(std::size_t bytes);
/// `bytes` as it was asked for.
void deallocate_large(void* start, std::size_t bytes) noexcept;

template <typename T>
class HugePageAllocator {
 public:
  using value_type = T;  // NOLINT(readability-identifier-naming): as the standard library calls it

  HugePageAllocator() noexcept = default;
  template <typename U>
  HugePageAllocator(const HugePageAllocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] T* allocate(std::size_t count) { return static_cast<T*>(allocate_large(count * sizeof(T))); }
  void deallocate(T* start, std::size_t count) noexcept { deallocate_large(start, count * sizeof(T)); }

  friend bool operator==(const HugePageAllocator&, const HugePageAllocator&) noexcept { return true; }
};

/// For what may become large.
template <typename T>
using LargeVector = std::vector<T, HugePageAllocator<T>>;

}  // namespace meridian::base

// Large tables on huge pages: they are read at random, and a page of 4 KiB costs a walk through the page
// tables for nearly every read. Linux only advises; without such pages everything works, only slower.
//
// What is large but goes soon is better off without: where a virtual machine gives free huge pages back to
// its host ("free page reporting"), each of them takes a millisecond to come again.
//
// Off the hot path.
#pragma once

#include <cstddef>
#include <vector>

namespace meridian::base {

/// Asks for huge pages under [start, start + bytes) before they are touched. Does nothing for less than some
/// megabytes: what is left of the last page is lost.
void advise_huge_pages(void* start, std::size_t bytes) noexcept;

enum class Pages : unsigned char { Huge, Usual };

/// Memory from the kernel, to which it returns: with Pages::Huge it starts on a huge page and fills whole
/// ones, from a size on where little is lost by it. Smaller pieces come from the heap. Throws std::bad_alloc.
[[nodiscard]] void* allocate_large(std::size_t bytes, Pages pages);
/// `bytes` as it was asked for.
void deallocate_large(void* start, std::size_t bytes) noexcept;

template <typename T, Pages kPages>
class LargeAllocator {
 public:
  using value_type = T;  // NOLINT(readability-identifier-naming): as the standard library calls it

  // Asked for by name, since kPages is no type.
  template <typename U>
  struct rebind {                             // NOLINT(readability-identifier-naming): as above
    using other = LargeAllocator<U, kPages>;  // NOLINT(readability-identifier-naming): as above
  };

  LargeAllocator() noexcept = default;
  template <typename U>
  LargeAllocator(const LargeAllocator<U, kPages>&) noexcept {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] T* allocate(std::size_t count) {
    return static_cast<T*>(allocate_large(count * sizeof(T), kPages));
  }
  void deallocate(T* start, std::size_t count) noexcept { deallocate_large(start, count * sizeof(T)); }

  friend bool operator==(const LargeAllocator&, const LargeAllocator&) noexcept { return true; }
};

/// For what may become large.
template <typename T>
using LargeVector = std::vector<T, LargeAllocator<T, Pages::Huge>>;
/// For what may become large while something is built, and goes then.
template <typename T>
using BriefVector = std::vector<T, LargeAllocator<T, Pages::Usual>>;

}  // namespace meridian::base

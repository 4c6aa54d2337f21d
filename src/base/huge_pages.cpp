#include "base/huge_pages.hpp"

#include <sys/mman.h>

#include <cstdint>

namespace meridian::base {
namespace {

constexpr std::size_t kHugePageBytes = 2u << 20;
/// From here on at most a quarter is lost at the end.
constexpr std::size_t kAdvisedBytesMin = 4 * kHugePageBytes;

}  // namespace

void advise_huge_pages(void* start, std::size_t bytes) noexcept {
  if (bytes < kAdvisedBytesMin) return;
  const auto at = reinterpret_cast<std::uintptr_t>(start);
  const auto first = (at + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  const auto end = (at + bytes) / kHugePageBytes * kHugePageBytes;
  // Fails only where the kernel has none.
  static_cast<void>(::madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE));
}

}  // namespace meridian::base

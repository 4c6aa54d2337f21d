#include "base/huge_pages.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

using namespace meridian;

TEST_SUITE("base/huge_pages") {
  TEST_CASE("a large vector holds what is put in, small or large, while it grows") {
    base::LargeVector<std::uint32_t> values;
    constexpr std::uint32_t kCount = 6'000'000;  // 24 MB: past the size from which pages are asked for
    for (std::uint32_t i = 0; i < kCount; ++i) values.push_back(i);
    std::uint64_t sum = 0;
    for (const auto value : values) sum += value;
    CHECK(sum == std::uint64_t{kCount} * (kCount - 1) / 2);
    values.resize(3);
    values.shrink_to_fit();
    CHECK(values == base::LargeVector<std::uint32_t>{0, 1, 2});
  }

  TEST_CASE("from a megabyte on memory starts on a huge page, below it costs what it holds") {
    constexpr std::uintptr_t kHugePageBytes = 2u << 20;
    for (const std::size_t bytes : {std::size_t{1} << 20, std::size_t{3} << 20}) {
      CAPTURE(bytes);
      void* const start = base::allocate_large(bytes, base::Pages::Huge);
      CHECK(reinterpret_cast<std::uintptr_t>(start) % kHugePageBytes == 0);
      base::deallocate_large(start, bytes);
    }
    // Two small pieces beside each other are not a huge page apart.
    void* const first = base::allocate_large(4'096, base::Pages::Huge);
    void* const second = base::allocate_large(4'096, base::Pages::Huge);
    const auto distance = reinterpret_cast<std::intptr_t>(second) - reinterpret_cast<std::intptr_t>(first);
    CHECK(std::abs(distance) < static_cast<std::intptr_t>(kHugePageBytes));
    base::deallocate_large(second, 4'096);
    base::deallocate_large(first, 4'096);
  }

  TEST_CASE("memory of usual pages returns to the kernel as well") {
    const auto resident_kib = [] {
      std::ifstream status("/proc/self/status");
      for (std::string word; status >> word;) {
        std::size_t kib = 0;
        if (word == "VmRSS:" && status >> kib) return kib;
      }
      return std::size_t{0};
    };
    const auto before = resident_kib();
    {
      base::BriefVector<std::uint8_t> values(std::size_t{32} << 20, std::uint8_t{1});
      values.push_back(2);
      CHECK(values.back() == 2);
      CHECK(resident_kib() > before + (30u << 10));
    }
    CHECK(resident_kib() < before + (8u << 10));
  }

  TEST_CASE("advice about any range is harmless") {
    base::LargeVector<std::uint8_t> bytes(20u << 20, std::uint8_t{7});
    for (const std::size_t skipped : {0u, 1u, 4'095u, 4'096u, 2u << 20, (20u << 20) - 1}) {
      base::advise_huge_pages(bytes.data() + skipped, bytes.size() - skipped);
    }
    base::advise_huge_pages(nullptr, 0);
    CHECK(bytes.back() == 7);
  }
}

#include "base/secret_bytes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace meridian::base {

TEST_SUITE("base/secret_bytes") {
  TEST_CASE("two secrets differ, and every byte is filled") {
    std::array<std::uint8_t, 256> first{};
    std::array<std::uint8_t, 256> second{};
    fill_secret(first);
    fill_secret(second);
    CHECK(first != second);
    // 8 zeros in a row anywhere in 256 random bytes: once in 10^16 runs.
    const std::array<std::uint8_t, 8> zeros{};
    CHECK(std::search(first.begin(), first.end(), zeros.begin(), zeros.end()) == first.end());
  }
}

}  // namespace meridian::base

#include "base/siphash.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <numeric>
#include <vector>

namespace meridian::base {

TEST_SUITE("base/siphash") {
  TEST_CASE(
      "the vectors of the paper's reference implementation: key 00 to 0f, message 00, 01, 02 and so on") {
    struct Row {
      const char* why;
      std::size_t size;
      SipTag expected;
    };
    const Row rows[] = {
        {"nothing", 0, {0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72}},
        {"one byte", 1, {0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74}},
        {"one short of a word", 7, {0x37, 0xd1, 0x01, 0x8b, 0xf5, 0x00, 0x02, 0xab}},
        {"a word", 8, {0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93}},
        {"one more", 9, {0xb0, 0xe4, 0xa9, 0x0b, 0xdf, 0x82, 0x00, 0x9e}},
        {"appendix A of the paper", 15, {0xe5, 0x45, 0xbe, 0x49, 0x61, 0xca, 0x29, 0xa1}},
        {"two words", 16, {0xdb, 0x9b, 0xc2, 0x57, 0x7f, 0xcc, 0x2a, 0x3f}},
        {"the longest of the list", 63, {0x72, 0x45, 0x06, 0xeb, 0x4c, 0x32, 0x8a, 0x95}},
    };
    SipKey key;
    std::iota(key.begin(), key.end(), std::uint8_t{0});
    for (const auto& row : rows) {
      CAPTURE(row.why);
      std::vector<std::uint8_t> message(row.size);
      std::iota(message.begin(), message.end(), std::uint8_t{0});
      CHECK(siphash_2_4(key, message) == row.expected);
    }
  }
}

}  // namespace meridian::base

#include "dns/reader.hpp"

#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace meridian;
using dns::Reader;
using test::from_hex;

TEST_SUITE("dns/reader") {
  TEST_CASE("values come in order and in network order") {
    const auto bytes = from_hex("01 0203 04050607 0809");
    Reader reader{bytes};
    REQUIRE(reader.has(9));
    CHECK_FALSE(reader.has(10));
    CHECK(reader.u8() == 1);
    CHECK(reader.u16() == 0x0203);
    CHECK(reader.u32() == 0x04050607);
    CHECK(reader.at() == 7);
    const auto rest = reader.take(2);
    CHECK(rest[1] == 9);
    CHECK(reader.is_at_end());
    CHECK(reader.has(0));
  }

  TEST_CASE("skipping past the end moves nothing") {
    const auto bytes = from_hex("0102");
    Reader reader{bytes, 1};
    CHECK_FALSE(reader.skip(2));
    CHECK(reader.at() == 1);
    CHECK(reader.skip(1));
    CHECK(reader.is_at_end());
  }

  TEST_CASE("skip_name stops behind names and at faults") {
    struct Row {
      const char* why;
      std::vector<std::uint8_t> bytes;
      bool ok;
      std::size_t at;  // when ok
    };
    std::vector<std::uint8_t> longest;
    for (int i = 0; i < 127; ++i) test::append(longest, from_hex("01 61"));
    auto too_long = longest;
    test::append(longest, from_hex("00"));
    test::append(too_long, from_hex("01 61 00"));
    const Row rows[] = {
        {"the root", from_hex("00 ff"), true, 1},
        {"labels", from_hex("01 61 02 6161 00"), true, 6},
        {"a pointer", from_hex("c00c ff"), true, 2},
        {"labels and a pointer", from_hex("01 61 ffff"), true, 4},
        {"255 bytes", longest, true, 255},
        {"256 bytes", too_long, false, 0},
        {"nothing", from_hex(""), false, 0},
        {"half a pointer", from_hex("c0"), false, 0},
        {"no final zero", from_hex("01 61"), false, 0},
        {"a label past the end", from_hex("03 61"), false, 0},
        {"a label of 64 bytes", from_hex("40 61"), false, 0},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Reader reader{row.bytes};
      REQUIRE(reader.skip_name() == row.ok);
      if (row.ok) CHECK(reader.at() == row.at);
    }
  }
}

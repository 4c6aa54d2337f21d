#include "dns/header.hpp"

#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace meridian;
using namespace meridian::dns;

TEST_SUITE("dns/header") {
  TEST_CASE("loads and stores are in network order") {
    const auto bytes = test::from_hex("fe dc ba 98");
    CHECK(load_u16(bytes.data()) == 0xfedc);
    CHECK(load_u32(bytes.data()) == 0xfedcba98);
    std::array<std::uint8_t, 4> out{};
    store_u32(out.data(), 0x01020384);
    CHECK(out == std::array<std::uint8_t, 4>{1, 2, 3, 0x84});
    store_u16(out.data(), 0xff01);
    CHECK(out == std::array<std::uint8_t, 4>{0xff, 1, 3, 0x84});
  }

  TEST_CASE("a header reads field by field and writes back the same") {
    const auto bytes = test::from_hex("1234 a5b3 0001 0002 0003 0004");
    const auto header = read_header(std::span{bytes}.first<kHeaderBytes>());
    CHECK(header.id == 0x1234);
    CHECK(header.bits == 0xa5b3);
    CHECK(header.question_count == 1);
    CHECK(header.answer_count == 2);
    CHECK(header.authority_count == 3);
    CHECK(header.additional_count == 4);
    std::vector<std::uint8_t> again(kHeaderBytes);
    write_header(std::span{again}.first<kHeaderBytes>(), header);
    CHECK(again == bytes);
  }

  TEST_CASE("bits are where RFC 1035 and RFC 4035 draw them") {
    struct Row {
      const char* why;
      std::uint16_t bits;
      std::uint16_t mask;
    };
    // As dig shows them for these words.
    const Row rows[] = {
        {"QR", 0x8000, header_bits::kResponse},           {"AA", 0x0400, header_bits::kAuthoritative},
        {"TC", 0x0200, header_bits::kTruncated},          {"RD", 0x0100, header_bits::kRecursionDesired},
        {"RA", 0x0080, header_bits::kRecursionAvailable}, {"AD", 0x0020, header_bits::kAuthenticData},
        {"CD", 0x0010, header_bits::kCheckingDisabled},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(Header{.bits = row.bits}.has(row.mask));
      CHECK_FALSE(Header{.bits = static_cast<std::uint16_t>(~row.bits)}.has(row.mask));
    }
    CHECK(Header{.bits = 0x2800}.opcode() == Opcode::Update);
    CHECK(Header{.bits = 0x87ff}.opcode() == Opcode::Query);
  }
}

// The 12-byte message header (RFC 1035 4.1.1), and loads and stores in network order.
//
// HOT: plain values; nothing here checks bounds, the callers have.
#pragma once

#include "dns/types.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace meridian::dns {

[[nodiscard]] constexpr std::uint16_t load_u16(const std::uint8_t* from) noexcept {
  return static_cast<std::uint16_t>(from[0] << 8 | from[1]);
}
[[nodiscard]] constexpr std::uint32_t load_u32(const std::uint8_t* from) noexcept {
  return static_cast<std::uint32_t>(load_u16(from)) << 16 | load_u16(from + 2);
}
constexpr void store_u16(std::uint8_t* to, std::uint16_t value) noexcept {
  to[0] = static_cast<std::uint8_t>(value >> 8);
  to[1] = static_cast<std::uint8_t>(value);
}
constexpr void store_u32(std::uint8_t* to, std::uint32_t value) noexcept {
  store_u16(to, static_cast<std::uint16_t>(value >> 16));
  store_u16(to + 2, static_cast<std::uint16_t>(value));
}

inline constexpr std::size_t kHeaderBytes = 12;
/// Type and class after a question's name.
inline constexpr std::size_t kQuestionFixedBytes = 4;
/// Type, class, TTL and RDLENGTH after a record's owner.
inline constexpr std::size_t kRecordFixedBytes = 10;
/// Where the question's name stands in every message that has one.
inline constexpr std::uint16_t kQuestionNameOffset = kHeaderBytes;
/// A compression pointer is two bytes, the first two bits set (RFC 1035 4.1.4).
inline constexpr std::uint16_t kPointerMark = 0xc000;

/// The sections that hold records, in the order of the message.
enum class Section : std::uint8_t { Answer, Authority, Additional };

/// Bits of the header's second word (RFC 1035 4.1.1; AD and CD are RFC 4035 3.1.6 and 3.2.2).
///
///     15 | 14–11  | 10 |  9 |  8 |  7 | 6 |  5 |  4 | 3–0
///     QR | opcode | AA | TC | RD | RA | Z | AD | CD | rcode
namespace header_bits {
inline constexpr std::uint16_t kResponse = 0x8000;
inline constexpr std::uint16_t kOpcodeMask = 0x7800;
inline constexpr unsigned kOpcodeShift = 11;
inline constexpr std::uint16_t kAuthoritative = 0x0400;
inline constexpr std::uint16_t kTruncated = 0x0200;
inline constexpr std::uint16_t kRecursionDesired = 0x0100;
inline constexpr std::uint16_t kRecursionAvailable = 0x0080;
inline constexpr std::uint16_t kAuthenticData = 0x0020;
inline constexpr std::uint16_t kCheckingDisabled = 0x0010;
inline constexpr std::uint16_t kRcodeMask = 0x000f;
/// What a reply copies from its query: opcode, RD (RFC 1035 4.1.1) and CD (RFC 4035 3.1.6).
inline constexpr std::uint16_t kCopiedToReply = kOpcodeMask | kRecursionDesired | kCheckingDisabled;
}  // namespace header_bits

struct Header {
  std::uint16_t id = 0;
  std::uint16_t bits = 0;
  std::uint16_t question_count = 0;
  std::uint16_t answer_count = 0;
  std::uint16_t authority_count = 0;
  std::uint16_t additional_count = 0;

  [[nodiscard]] constexpr bool has(std::uint16_t bit) const noexcept { return (bits & bit) != 0; }
  [[nodiscard]] constexpr Opcode opcode() const noexcept {
    return static_cast<Opcode>((bits & header_bits::kOpcodeMask) >> header_bits::kOpcodeShift);
  }

  friend bool operator==(const Header&, const Header&) = default;
};

[[nodiscard]] constexpr Header read_header(std::span<const std::uint8_t, kHeaderBytes> from) noexcept {
  const auto word = [&](std::size_t index) { return load_u16(from.data() + 2 * index); };
  return {.id = word(0),
          .bits = word(1),
          .question_count = word(2),
          .answer_count = word(3),
          .authority_count = word(4),
          .additional_count = word(5)};
}

constexpr void write_header(std::span<std::uint8_t, kHeaderBytes> to, const Header& header) noexcept {
  const std::uint16_t words[] = {header.id,
                                 header.bits,
                                 header.question_count,
                                 header.answer_count,
                                 header.authority_count,
                                 header.additional_count};
  for (std::size_t index = 0; index < 6; ++index) store_u16(to.data() + 2 * index, words[index]);
}

}  // namespace meridian::dns

// The records of one RRset, rendered once as they go out, so that most answers are one copy.
//
// The rendering is what stands right behind the question when the question's name is the owner: each record
// starts with a pointer to the question's name, and names in the rdata of RFC 1035 types (RFC 3597 4) are
// compressed against the question and against each other. MessageWriter moves the pointers where the owner is
// only a part of the question's name, and compresses anew elsewhere. HOT, apart from render_rrset.
#pragma once

#include "base/limits.hpp"
#include "dns/header.hpp"
#include "dns/name.hpp"
#include "dns/types.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace meridian::dns {

//  | 0xC00C | type | class IN | TTL | RDLENGTH | rdata …
inline constexpr std::size_t kImageTypeAt = 2;
inline constexpr std::size_t kImageTtlAt = 6;
inline constexpr std::size_t kImageLengthAt = 10;
inline constexpr std::size_t kImageFixedBytes = 12;

/// A view: never outlives the zone it is from.
struct Rrset {
  Rtype type{};
  std::uint16_t count = 0;
  std::uint32_t ttl_s = 0;
  NameView owner;                        ///< Lower case. What the pointers of `images` start from.
  std::span<const std::uint8_t> images;  ///< `count` records.
};

/// Room for one rdata of a type that may be compressed, its names spelled out: SOA is the longest.
using SpelledRdata = std::array<std::uint8_t, 2 * base::limits::kNameBytesMax + 20>;

/// `rdata` of a record in `rrset.images` with its names spelled out; where it has none that could be
/// compressed this is `rdata` itself, and `room` stays as it is.
[[nodiscard]] std::span<const std::uint8_t> spell_rdata(const Rrset& rrset,
                                                        std::span<const std::uint8_t> rdata,
                                                        SpelledRdata& room) noexcept;

/// Calls `visit(rdata)` for each record, names spelled out; stops when it returns false, and returns that.
template <typename Visit>
bool for_each_rdata(const Rrset& rrset, const Visit& visit) noexcept {
  SpelledRdata room;
  auto rest = rrset.images;
  for (std::size_t left = rrset.count; left > 0; --left) {
    const std::size_t length = load_u16(rest.data() + kImageLengthAt);
    if (!visit(spell_rdata(rrset, rest.subspan(kImageFixedBytes, length), room))) return false;
    rest = rest.subspan(kImageFixedBytes + length);
  }
  return true;
}

/// The name that is the rdata of a CNAME, a DNAME or a PTR: of its first record.
[[nodiscard]] Name read_target(const Rrset& rrset) noexcept;

/// Renders records of class IN to `out`, which needs kImageFixedBytes and the rdata's length for each;
/// returns how many bytes they took. `owner` must be lower case, the rdata well formed and uncompressed.
std::size_t render_rrset(NameView owner, Rtype type, std::uint32_t ttl_s,
                         std::span<const std::span<const std::uint8_t>> rdata, std::uint8_t* out) noexcept;

}  // namespace meridian::dns

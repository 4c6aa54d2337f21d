// Is rdata what its type says? Only for the types whose names or addresses the server itself reads.
#pragma once

#include "dns/types.hpp"

#include <cstdint>
#include <span>

namespace meridian::zone {

/// Types that are never zone data: OPT, and the query and meta types 128 to 255 (RFC 6895 3.1); 0 is
/// reserved.
[[nodiscard]] constexpr bool is_meta_type(dns::Rtype type) noexcept {
  const auto number = static_cast<unsigned>(type);
  return number == 0 || type == dns::Rtype::Opt || (number >= 128 && number <= 255);
}

/// False when `rdata` is too short, too long, or has a broken or compressed name. Checked are A, AAAA, SRV,
/// SVCB, HTTPS, DNAME and every type with names that may be compressed (RFC 3597 4); any other is taken as it
/// is.
[[nodiscard]] bool is_well_formed(dns::Rtype type, std::span<const std::uint8_t> rdata) noexcept;

}  // namespace meridian::zone

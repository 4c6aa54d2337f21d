// The records of one type at one name, as a view into a zone's memory.
#pragma once

#include "dns/types.hpp"

#include <cstdint>
#include <span>

namespace meridian::zone {

/// The records of one type at one name. `records` is `count` times: 16-bit length (network order), then
/// that many bytes of uncompressed rdata. The order is the one of the zone file.
struct Rrset {
  dns::Rtype type{};
  std::uint16_t count = 0;
  std::uint32_t ttl_s = 0;
  std::span<const std::uint8_t> records;
};

}  // namespace meridian::zone

// Which types may have compressed names in their rdata, and where those names stand.
//
// HOT: one switch. Presentation forms of rdata are not here but in zone/.
#pragma once

#include "dns/types.hpp"

#include <cstddef>

namespace meridian::dns {

/// `name_count` names, one after the other, behind `fixed_bytes` of other data. More data may follow.
struct RdataNames {
  std::size_t fixed_bytes = 0;
  std::size_t name_count = 0;
};

/// RFC 3597 4: only the types of RFC 1035 may be compressed, any later one goes out as it is, because a
/// resolver that does not know the type could not read it.
[[nodiscard]] constexpr RdataNames compressible_names(Rtype type) noexcept {
  switch (type) {
    case Rtype::Ns:
    case Rtype::Md:
    case Rtype::Mf:
    case Rtype::Cname:
    case Rtype::Mb:
    case Rtype::Mg:
    case Rtype::Mr:
    case Rtype::Ptr:
      return {.fixed_bytes = 0, .name_count = 1};
    case Rtype::Mx:
      return {.fixed_bytes = 2, .name_count = 1};
    case Rtype::Soa:
    case Rtype::Minfo:
      return {.fixed_bytes = 0, .name_count = 2};
    default:
      return {};
  }
}

}  // namespace meridian::dns

// Where a server listens. A plain value.
#pragma once

#include "base/ip.hpp"

#include <cstdint>

namespace meridian::config {

struct ListenAddress {
  base::IpAddress address;
  std::uint16_t port = 53;
};

}  // namespace meridian::config

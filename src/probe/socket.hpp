// Sockets of probes: non-blocking, closed in programs we start, from the source address that is wanted.
#pragma once

#include "base/expected.hpp"
#include "base/ip.hpp"
#include "net/sockets.hpp"

#include <optional>

namespace meridian::probe {

/// `type` and `protocol` as of socket(2). The error is an errno.
[[nodiscard]] base::Expected<net::FileDescriptor, int> open_socket(
    base::Family family, int type, int protocol, const std::optional<base::IpAddress>& source);

}  // namespace meridian::probe

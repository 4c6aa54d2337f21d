// Who is at the other end of a Unix socket, as the kernel knows it.
#pragma once

#include <string>

namespace meridian::http {

/// "alice (uid 1000)"; "uid 1000" without a name; "unknown" where the kernel says nothing.
[[nodiscard]] std::string peer_name(int socket);

}  // namespace meridian::http

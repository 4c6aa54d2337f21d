// Unix sockets to listen on, as files: made with their permissions, and put where a dead one lies. Not HOT.
#pragma once

#include "base/expected.hpp"
#include "net/sockets.hpp"

#include <string>
#include <system_error>

namespace meridian::net {

/// Bound and listening, non-blocking, for its owner and group alone (0660); its folder is made. `type` is
/// SOCK_STREAM or SOCK_SEQPACKET. A socket that nobody listens on any more is replaced; one that somebody
/// does, or another file, is an error: EADDRINUSE, EEXIST.
[[nodiscard]] base::Expected<FileDescriptor, std::error_code> listen_unix(const std::string& path, int type,
                                                                          int backlog);

}  // namespace meridian::net

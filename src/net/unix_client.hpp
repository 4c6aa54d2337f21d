// Unix sockets to connect to, by path, without waiting. Not HOT.
#pragma once

#include "base/expected.hpp"
#include "net/sockets.hpp"

#include <string>
#include <system_error>

namespace meridian::net {

/// A connection that does not block; `type` is SOCK_STREAM or SOCK_SEQPACKET. Nobody listens:
/// connection_refused, or no_such_file_or_directory. A listener whose queue is full:
/// resource_unavailable_try_again.
[[nodiscard]] base::Expected<FileDescriptor, std::error_code> connect_unix(const std::string& path, int type);

}  // namespace meridian::net

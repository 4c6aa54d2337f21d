#include "net/unix_client.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>

namespace meridian::net {

base::Expected<FileDescriptor, std::error_code> connect_unix(const std::string& path, int type) {
  const auto failure = [](int error) {
    return base::unexpected(std::error_code(error, std::generic_category()));
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return failure(ENAMETOOLONG);
  path.copy(address.sun_path, path.size());
  FileDescriptor socket(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const void* const raw = &address;
  if (!socket || ::connect(socket.get(), static_cast<const sockaddr*>(raw), sizeof address) != 0)
    return failure(errno);
  return socket;
}

}  // namespace meridian::net

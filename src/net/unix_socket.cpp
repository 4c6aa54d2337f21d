#include "net/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace meridian::net {
namespace {

auto failure(int error) { return base::unexpected(std::error_code(error, std::generic_category())); }

/// 0, or errno.
int connect_or_bind(decltype(::connect)* call, const FileDescriptor& socket, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const void* const raw = &address;
  return call(socket.get(), static_cast<const sockaddr*>(raw), sizeof address) == 0 ? 0 : errno;
}

FileDescriptor make_socket(int type) {
  return FileDescriptor(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

/// A socket that answers belongs to a running server and must not be taken from it. One of another type, or
/// whose backlog is full, answers too.
bool is_alive(const std::string& path, int type) {
  const auto probe = make_socket(type);
  return connect_or_bind(&::connect, probe, path) != ECONNREFUSED;
}

}  // namespace

base::Expected<FileDescriptor, std::error_code> listen_unix(const std::string& path, int type, int backlog) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return failure(ENAMETOOLONG);
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) {
    // Only a dead socket is ours to remove: anything else is a mistyped path, and somebody's file.
    if (!S_ISSOCK(there.st_mode)) return failure(EEXIST);
    if (is_alive(path, type)) return failure(EADDRINUSE);
    ::unlink(path.c_str());
  }
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  auto socket = make_socket(type);
  if (!socket) return failure(errno);
  // Owner and group only, from the first moment on.
  const mode_t mask = ::umask(0117);
  const int error = connect_or_bind(&::bind, socket, path);
  ::umask(mask);
  if (error != 0) return failure(error);
  if (::listen(socket.get(), backlog) != 0) return failure(errno);
  return socket;
}

}  // namespace meridian::net

#include "net/service_manager.hpp"

#include "net/sockets.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace meridian::net {

// Twenty lines instead of libsystemd: the protocol is one datagram and promised to stay.
void notify_service_manager(const std::string& state) noexcept {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) return;
  const std::string_view name(path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.empty() || name.size() >= sizeof address.sun_path) return;
  std::memcpy(&address.sun_path[0], name.data(), name.size());
  if (name.front() == '@') address.sun_path[0] = '\0';  // an abstract socket
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return;
  const void* bytes = &address;
  static_cast<void>(::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                             static_cast<const sockaddr*>(bytes),
                             static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())));
}

}  // namespace meridian::net

#include "http/peer_name.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/socket.h>

#include <array>

namespace meridian::http {

std::string peer_name(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return "unknown";
  std::array<char, 4'096> room{};  // an entry of the user database; a longer one goes without its name
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(peer.uid, &entry, room.data(), room.size(), &found) != 0 || found == nullptr)
    return fmt::format("uid {}", peer.uid);
  return fmt::format("{} (uid {})", found->pw_name, peer.uid);
}

}  // namespace meridian::http

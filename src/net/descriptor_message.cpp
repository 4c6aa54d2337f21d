#include "net/descriptor_message.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace meridian::net {
namespace {

namespace limits = base::limits;

constexpr std::size_t kControlBytes = CMSG_SPACE(limits::kHandoverDescriptorsMax * sizeof(int));

/// 0, or errno.
int wait_for(const FileDescriptor& socket, short events, base::MonotonicTime deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return ETIMEDOUT;
    pollfd waited{.fd = socket.get(), .events = events, .revents = 0};
    const int ready = ::poll(&waited, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (ready > 0) return 0;
    if (ready < 0 && errno != EINTR) return errno;
  }
}

void take_descriptors(msghdr& header, std::vector<FileDescriptor>& descriptors) {
  for (auto* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
}

}  // namespace

base::Expected<std::pair<FileDescriptor, FileDescriptor>, int> make_message_pair() {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return base::unexpected(errno);
  }
  return std::pair{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

base::Expected<void, int> send_message(const FileDescriptor& socket, std::string_view bytes,
                                       std::span<const int> descriptors, base::MonotonicTime deadline) {
  MERIDIAN_ASSERT(bytes.size() <= limits::kHandoverMessageBytesMax &&
                  descriptors.size() <= limits::kHandoverDescriptorsMax);
  std::string copy(bytes);  // iovec takes no const
  iovec part{.iov_base = copy.data(), .iov_len = copy.size()};
  alignas(cmsghdr) std::array<unsigned char, kControlBytes> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    auto* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  for (;;) {
    if (::sendmsg(socket.get(), &header, MSG_NOSIGNAL) >= 0) return {};
    if (errno == ECONNRESET) return base::unexpected(EPIPE);
    if (errno != EAGAIN && errno != EINTR) return base::unexpected(errno);
    if (const int error = wait_for(socket, POLLOUT, deadline); error != 0) return base::unexpected(error);
  }
}

base::Expected<DescriptorMessage, int> receive_message(const FileDescriptor& socket,
                                                       base::MonotonicTime deadline) {
  DescriptorMessage message;
  message.bytes.resize(limits::kHandoverMessageBytesMax);
  alignas(cmsghdr) std::array<unsigned char, kControlBytes> control{};
  for (;;) {
    iovec part{.iov_base = message.bytes.data(), .iov_len = message.bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const auto count = ::recvmsg(socket.get(), &header, MSG_CMSG_CLOEXEC);
    if (count >= 0) {
      take_descriptors(header, message.descriptors);
      if (count == 0) return base::unexpected(EPIPE);
      if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return base::unexpected(EMSGSIZE);
      message.bytes.resize(static_cast<std::size_t>(count));
      return message;
    }
    // Told once, when the other end closed without reading all of ours: its last words stand behind it.
    if (errno == ECONNRESET) continue;
    if (errno != EAGAIN && errno != EINTR) return base::unexpected(errno);
    if (const int error = wait_for(socket, POLLIN, deadline); error != 0) return base::unexpected(error);
  }
}

}  // namespace meridian::net

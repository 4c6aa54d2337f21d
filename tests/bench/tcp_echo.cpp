// The ceiling that connections set: one query a connection, with the system calls that meridiand makes for it
// and nothing else: no limits, no deadlines, no messages that come in pieces.
//
// usage: tcp_echo [port [core]]    As udp_echo. Answers are the queries with the QR bit set.
#include "base/limits.hpp"
#include "echo.hpp"

#include <netinet/tcp.h>
#include <sys/epoll.h>

#include <array>

namespace {

namespace echo = meridian::echo;
namespace limits = meridian::base::limits;

int make_listener(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) echo::fail("socket");
  echo::set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  echo::set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  echo::set_option(fd, SOL_SOCKET, SO_SNDBUF, limits::kTcpSendBufferBytes);
  echo::set_option(fd, SOL_SOCKET, SO_RCVBUF, limits::kTcpReceiveBufferBytes);
  echo::bind_loopback(fd, port);
  if (::listen(fd, limits::kTcpBacklog) != 0) echo::fail("listen");
  return fd;
}

void watch(int poll, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  if (::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) echo::fail("epoll_ctl");
}

/// False when the client has left.
bool echo_once(int fd) {
  static std::array<std::uint8_t, 2 + limits::kQueryBytesMax> bytes;
  const auto count = ::recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN;
  if (count < 5) return false;
  bytes[4] |= 0x80;
  return ::send(fd, bytes.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL) == count;
}

/// The number of connections taken in.
std::uint64_t accept_some(int poll, int listener) {
  std::uint64_t count = 0;
  for (int i = 0; i < limits::kTcpTurnAccepts; ++i) {
    sockaddr_storage from{};
    socklen_t bytes = sizeof from;
    void* const raw = &from;
    const int fd = ::accept4(listener, static_cast<sockaddr*>(raw), &bytes, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) break;
    ++count;
    if (echo_once(fd)) {
      watch(poll, fd);
    } else {
      ::close(fd);
    }
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  const int listener = make_listener(echo::start(argc, argv));
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  if (poll < 0) echo::fail("epoll");
  watch(poll, listener);
  std::array<epoll_event, limits::kTcpEvents> events{};
  std::uint64_t connections = 0;
  while (echo::stop_requested == 0) {
    // So that a signal between the check and the wait is noticed.
    const int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 200);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        connections += accept_some(poll, listener);
      } else if (!echo_once(fd)) {
        ::close(fd);
      }
    }
  }
  echo::print_usage("connections", connections);
}

// The ceiling that sockets set: an echo server with recvmmsg and sendmmsg and nothing else.
//
// usage: udp_echo [port [core]]    Port 0 (the default) lets the kernel choose; the first line printed tells
// which. Ends on SIGTERM or SIGINT and prints packets and its own CPU time. Answers are the queries with the
// QR bit set, so that DNS load generators count them. Compare a server's CPU per query with this one's.
#include "base/limits.hpp"

#include <netinet/in.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

constexpr std::size_t kBatch = meridian::base::limits::kUdpBatch;
constexpr std::size_t kPacketBytes = meridian::base::limits::kQueryBytesMax;

volatile std::sig_atomic_t stop_requested = 0;

struct Batch {
  std::array<std::array<std::uint8_t, kPacketBytes>, kBatch> packets{};
  std::array<sockaddr_in, kBatch> peers{};
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> messages{};
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "udp_echo: %s: %s\n", what, std::strerror(errno));
  std::exit(2);
}

int parse_number(std::string_view text) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) {
    std::fputs("usage: udp_echo [port [core]]\n", stderr);
    std::exit(2);
  }
  return value;
}

void pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(core), &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) fail("cannot pin");
}

int bind_loopback(int port) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) fail("socket");
  const int buffer_bytes = meridian::base::limits::kUdpReceiveBufferBytes;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
  // So that a signal between the check and the wait is noticed.
  const timeval wait{.tv_sec = 0, .tv_usec = 200'000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  void* const raw = &address;
  if (::bind(fd, static_cast<sockaddr*>(raw), bytes) != 0) fail("bind");
  if (::getsockname(fd, static_cast<sockaddr*>(raw), &bytes) != 0) fail("getsockname");
  std::printf("port %u\n", static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);
  return fd;
}

void prepare(Batch& batch) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    batch.parts[i] = {.iov_base = batch.packets[i].data(), .iov_len = kPacketBytes};
    auto& header = batch.messages[i].msg_hdr;
    header.msg_iov = &batch.parts[i];
    header.msg_iovlen = 1;
    header.msg_name = &batch.peers[i];
    header.msg_namelen = sizeof(sockaddr_in);
  }
}

/// One batch there and back; the number of packets sent.
std::uint64_t echo_batch(int fd, Batch& batch) {
  for (auto& part : batch.parts) part.iov_len = kPacketBytes;
  const int received = ::recvmmsg(fd, batch.messages.data(), kBatch, MSG_WAITFORONE, nullptr);
  if (received <= 0) return 0;
  const auto count = static_cast<std::size_t>(received);
  for (std::size_t i = 0; i < count; ++i) {
    batch.parts[i].iov_len = batch.messages[i].msg_len;
    batch.packets[i][2] |= 0x80;
  }
  const int sent = ::sendmmsg(fd, batch.messages.data(), static_cast<unsigned>(count), 0);
  return sent > 0 ? static_cast<std::uint64_t>(sent) : 0;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2) pin_to(parse_number(argv[2]));
  const int fd = bind_loopback(argc > 1 ? parse_number(argv[1]) : 0);
  for (const int number : {SIGTERM, SIGINT}) std::signal(number, [](int) { stop_requested = 1; });

  static Batch batch;
  prepare(batch);
  std::uint64_t packets = 0;
  while (stop_requested == 0) packets += echo_batch(fd, batch);

  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf("packets=%llu user_s=%.3f system_s=%.3f\n", static_cast<unsigned long long>(packets),
              seconds(usage.ru_utime), seconds(usage.ru_stime));
  ::close(fd);
}

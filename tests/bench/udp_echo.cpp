// The ceiling that sockets set: an echo server with recvmmsg and sendmmsg and nothing else.
//
// usage: udp_echo [port [core]]    Port 0 (the default) lets the kernel choose; the first line printed tells
// which. Ends on SIGTERM or SIGINT and prints packets and its own CPU time. Answers are the queries with the
// QR bit set, so that DNS load generators count them. Compare a server's CPU per query with this one's.
#include "base/limits.hpp"
#include "echo.hpp"

#include <array>

namespace {

namespace echo = meridian::echo;

constexpr std::size_t kBatch = meridian::base::limits::kUdpBatch;
constexpr std::size_t kPacketBytes = meridian::base::limits::kQueryBytesMax;

struct Batch {
  std::array<std::array<std::uint8_t, kPacketBytes>, kBatch> packets{};
  std::array<sockaddr_in, kBatch> peers{};
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> messages{};
};

int make_socket(int port) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) echo::fail("socket");
  const int buffer_bytes = meridian::base::limits::kUdpReceiveBufferBytes;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
  // So that a signal between the check and the wait is noticed.
  const timeval wait{.tv_sec = 0, .tv_usec = 200'000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  echo::bind_loopback(fd, port);
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

}  // namespace

int main(int argc, char** argv) {
  const int fd = make_socket(echo::start(argc, argv));
  static Batch batch;
  prepare(batch);
  std::uint64_t packets = 0;
  while (echo::stop_requested == 0) packets += echo_batch(fd, batch);
  echo::print_usage("packets", packets);
  ::close(fd);
}

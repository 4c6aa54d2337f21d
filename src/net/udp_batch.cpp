#include "net/udp_batch.hpp"

#include "base/assert.hpp"
#include "net/address.hpp"

#include <poll.h>

#include <cerrno>
#include <cstring>

namespace meridian::net {
namespace {

using stats::Counter;

/// Makes the received packet information say "send from this address" and nothing else. The interface is
/// forgotten, or the answer would be forced out where the query came in, whatever the routes say; only a
/// link-local address means nothing without it.
void keep_only_address(msghdr& message) noexcept {
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr) return;
  if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(header), sizeof info);
    info.ipi_ifindex = 0;
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
  } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
    in6_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(header), sizeof info);
    const bool link_local = info.ipi6_addr.s6_addr[0] == 0xfe && (info.ipi6_addr.s6_addr[1] & 0xc0) == 0x80;
    if (!link_local) info.ipi6_ifindex = 0;
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
  }
}

void wait_until_writable(int socket) noexcept {
  pollfd entry{.fd = socket, .events = POLLOUT, .revents = 0};
  static_cast<void>(::poll(&entry, 1, 1));
}

}  // namespace

UdpBatch::UdpBatch() noexcept {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto& slot = slots_[i];
    slot.in = {.iov_base = slot.query.data(), .iov_len = slot.query.size()};
    in_[i].msg_hdr.msg_iov = &slot.in;
    in_[i].msg_hdr.msg_iovlen = 1;
    in_[i].msg_hdr.msg_name = &slot.peer;
    in_[i].msg_hdr.msg_control = slot.control.data();
  }
}

std::size_t UdpBatch::receive(int socket, stats::Counters& counters) noexcept {
  kept_ = 0;
  // The kernel writes the lengths it used over the room we offer.
  for (auto& message : std::span{in_}.first(received_)) {
    message.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    message.msg_hdr.msg_controllen = kControlBytes;
  }
  received_ = 0;
  const int received =
      ::recvmmsg(socket, in_.data(), static_cast<unsigned>(in_.size()), MSG_DONTWAIT, nullptr);
  if (received < 0) {
    // Anything else is a late ICMP error or a lack of memory: the next call finds the queue as it was.
    if (errno != EAGAIN && errno != EINTR) counters.add(Counter::UdpReceiveErrors);
    return 0;
  }
  const auto count = received_ = static_cast<std::size_t>(received);
  for (std::size_t i = 0; i < count; ++i) keep(i, counters);
  counters.add(Counter::UdpQueries, kept_);
  return count;
}

void UdpBatch::keep(std::size_t index, stats::Counters& counters) noexcept {
  auto& message = in_[index];
  if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) return counters.add(Counter::UdpOversized);
  auto& slot = slots_[index];
  auto& exchange = exchanges_[kept_];
  exchange.peer.port = read_socket_address(slot.peer, exchange.peer.address);
  if (exchange.peer.port == 0) return counters.add(Counter::UdpPortZero);
  keep_only_address(message.msg_hdr);
  exchange.query = std::span{slot.query}.first(message.msg_len);
  exchange.reply = slot.reply;
  exchange.reply_bytes = 0;
  slot_of_[kept_] = index;
  ++kept_;
}

std::size_t UdpBatch::gather_replies() noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < kept_; ++i) {
    const auto bytes = exchanges_[i].reply_bytes;
    if (bytes == 0) continue;
    auto& slot = slots_[slot_of_[i]];
    // On in every build: past the end lie other clients' packets.
    MERIDIAN_ASSERT(bytes <= slot.reply.size());
    slot.out = {.iov_base = slot.reply.data(), .iov_len = bytes};
    // Name and control message are those of the query; lengths are what the kernel put there.
    out_[count].msg_hdr = in_[slot_of_[i]].msg_hdr;
    out_[count].msg_hdr.msg_iov = &slot.out;
    out_[count].msg_hdr.msg_flags = 0;
    ++count;
  }
  return count;
}

void UdpBatch::send(int socket, stats::Counters& counters) noexcept {
  const auto count = gather_replies();
  std::size_t done = 0;
  int tries = 0;
  while (done < count) {
    const int sent = ::sendmmsg(socket, &out_[done], static_cast<unsigned>(count - done), MSG_DONTWAIT);
    if (sent > 0) {
      counters.add(Counter::UdpAnswers, static_cast<std::size_t>(sent));
      done += static_cast<std::size_t>(sent);
    } else if ((errno == EAGAIN || errno == ENOBUFS || errno == EINTR) &&
               ++tries < base::limits::kUdpSendTriesMax) {
      if (errno != EINTR) wait_until_writable(socket);
    } else {
      // sendmmsg stops before the datagram it cannot send, so the first one left is the culprit: no route,
      // a firewall, a full buffer. The ones behind it get their own chance.
      counters.add(Counter::UdpSendErrors);
      ++done;
    }
  }
}

}  // namespace meridian::net

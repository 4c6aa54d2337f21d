// The fixed arrays one UDP worker receives into and sends from, and the two system calls on them.
//
// Allocated once; one thread. HOT: nothing here allocates, throws or logs.
#pragma once

#include "base/limits.hpp"
#include "net/handler.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace meridian::net {

/// About 120 KiB: keep it on the heap.
class UdpBatch {
 public:
  UdpBatch() noexcept;
  UdpBatch(const UdpBatch&) = delete;
  UdpBatch& operator=(const UdpBatch&) = delete;
  ~UdpBatch() = default;

  /// Takes what waits in `socket`, without waiting itself. Returns how many datagrams came, of which
  /// exchanges() holds those worth a look. 0: nothing there, or an error that was counted.
  std::size_t receive(int socket, stats::Counters& counters) noexcept;

  /// The last receive() filled every slot, so there may be more.
  [[nodiscard]] bool is_full() const noexcept { return received_ == base::limits::kUdpBatch; }

  /// Valid until the next receive().
  [[nodiscard]] std::span<Exchange> exchanges() noexcept { return std::span{exchanges_}.first(kept_); }

  /// Sends every exchange with reply bytes, from the address its query came to. What the kernel does not
  /// take is counted and forgotten: the client asks again.
  void send(int socket, stats::Counters& counters) noexcept;

 private:
  /// Room for either family's packet information.
  static constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(in6_pktinfo));

  struct Slot {
    sockaddr_storage peer;
    alignas(cmsghdr) std::array<std::uint8_t, kControlBytes> control;
    iovec in;
    iovec out;
    std::array<std::uint8_t, base::limits::kQueryBytesMax> query;
    std::array<std::uint8_t, base::limits::kUdpAnswerBytesMax> reply;
  };

  void keep(std::size_t index, stats::Counters& counters) noexcept;
  std::size_t gather_replies() noexcept;

  std::array<Slot, base::limits::kUdpBatch> slots_{};
  std::array<mmsghdr, base::limits::kUdpBatch> in_{};
  std::array<mmsghdr, base::limits::kUdpBatch> out_{};
  std::array<Exchange, base::limits::kUdpBatch> exchanges_{};
  std::array<std::size_t, base::limits::kUdpBatch> slot_of_{};  ///< The slot of each exchange.
  std::size_t received_ = base::limits::kUdpBatch;  ///< Slots whose lengths the kernel has overwritten.
  std::size_t kept_ = 0;
};

}  // namespace meridian::net

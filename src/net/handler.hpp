// The seam between net/ and whatever answers queries: bytes in, bytes out.
//
// net/ knows neither zones nor places; the handler knows no sockets. One handler a thread, so it may own
// per-thread state (snapshot reader, counters, random numbers) without locks.
#pragma once

#include "base/ip.hpp"
#include "stats/counters.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace meridian::net {

/// Where a message came from. Never a v4-mapped IPv6 address: sockets serve one family each.
struct Peer {
  base::IpAddress address;
  std::uint16_t port = 0;  ///< Host order.
  bool tcp = false;
};

/// One message and the room for its answer. The bytes belong to net/ and are gone after the call.
struct Exchange {
  Peer peer;
  std::span<const std::uint8_t> query;
  std::span<std::uint8_t> reply;  ///< 1,232 bytes for UDP, 65,535 for TCP (see base/limits.hpp).
  std::size_t reply_bytes = 0;    ///< Set by the handler. 0: say nothing; a TCP connection is then closed.
};

/// One virtual call a batch, not a packet: up to limits::kUdpBatch messages over UDP, one over TCP.
class BatchHandler {
 public:
  BatchHandler() = default;
  BatchHandler(const BatchHandler&) = delete;
  BatchHandler& operator=(const BatchHandler&) = delete;
  virtual ~BatchHandler() = default;

  /// HOT. Always called on the same thread. `batch` is never empty.
  virtual void answer_batch(std::span<Exchange> batch) noexcept = 0;

  /// On the same thread, between batches: what the handler reads from may have been replaced. A thread
  /// without queries would otherwise keep the old one alive until its next.
  virtual void refresh() noexcept {}
};

/// UDP workers count from 0; the TCP thread comes after the last of them.
enum class WorkerIndex : std::uint16_t {};

/// Makes the handler of one thread. `counters` is that thread's block, which net/ counts in as well.
using HandlerFactory = std::function<std::unique_ptr<BatchHandler>(WorkerIndex, stats::Counters& counters)>;

}  // namespace meridian::net

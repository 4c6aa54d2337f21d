// What stands before a worker's handler on UDP sockets that only proxies may send to: takes the PROXY header
// off each datagram and puts the client in the proxy's place.
//
// Answers go back to the proxy: the batch remembers where each datagram came from. One a socket, on its
// worker's thread. HOT: nothing allocates.
#pragma once

#include "base/limits.hpp"
#include "net/handler.hpp"
#include "net/proxy_protocol.hpp"

#include <array>

namespace meridian::net {

class ProxyHandler final : public BatchHandler {
 public:
  /// `inner` and `counters` outlive this.
  ProxyHandler(ProxyNetworks proxies, BatchHandler& inner, stats::Counters& counters)
      : proxies_(std::move(proxies)), inner_(inner), counters_(counters) {}

  void answer_batch(std::span<Exchange> batch) noexcept override;

 private:
  bool strip_header(Exchange& exchange) noexcept;

  ProxyNetworks proxies_;
  BatchHandler& inner_;
  stats::Counters& counters_;
  std::array<Exchange, base::limits::kUdpBatch> kept_{};
  std::array<std::size_t, base::limits::kUdpBatch> place_of_{};  ///< Where each kept one stands in the batch.
};

}  // namespace meridian::net

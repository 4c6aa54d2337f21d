#include "net/proxy_handler.hpp"

#include "base/assert.hpp"

namespace meridian::net {

using stats::Counter;

void ProxyHandler::answer_batch(std::span<Exchange> batch) noexcept {
  MERIDIAN_ASSERT(batch.size() <= kept_.size());
  std::size_t count = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    kept_[count] = batch[i];
    if (!strip_header(kept_[count])) continue;
    place_of_[count] = i;
    ++count;
  }
  if (count == 0) return;
  inner_.answer_batch(std::span{kept_}.first(count));
  for (std::size_t i = 0; i < count; ++i) batch[place_of_[i]].reply_bytes = kept_[i].reply_bytes;
}

/// False when the datagram is to be dropped.
bool ProxyHandler::strip_header(Exchange& exchange) noexcept {
  if (!contains(proxies_, exchange.peer.address)) {
    counters_.add(Counter::UdpProxyDenied);
    return false;
  }
  const auto header = parse_proxy_header(exchange.query);
  if (!header) {
    counters_.add(Counter::UdpProxyMalformed);
    return false;
  }
  exchange.query = exchange.query.subspan(header->bytes);
  if (header->client) {
    exchange.peer.address = header->client->address;
    exchange.peer.port = header->client->port;
  }
  return true;
}

}  // namespace meridian::net

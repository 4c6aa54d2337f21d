// Anything a datagram or a connection may begin with: a header never ends past its bytes or its limit, every
// part of an accepted one is only incomplete, and what follows it changes nothing.
#include "base/assert.hpp"
#include "base/limits.hpp"
#include "net/proxy_protocol.hpp"

using namespace meridian;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes{data, size};
  const auto header = net::parse_proxy_header(bytes);
  if (!header) {
    MERIDIAN_ASSERT(header.error() == net::ProxyError::Malformed ||
                    size < base::limits::kProxyHeaderBytesMax);
    return 0;
  }
  MERIDIAN_ASSERT(header->bytes <= size && header->bytes <= base::limits::kProxyHeaderBytesMax);
  for (std::size_t part = 0; part < header->bytes; ++part) {
    const auto cut = net::parse_proxy_header(bytes.first(part));
    MERIDIAN_ASSERT(!cut && cut.error() == net::ProxyError::Incomplete);
  }
  const auto alone = net::parse_proxy_header(bytes.first(header->bytes));
  MERIDIAN_ASSERT(alone && alone->bytes == header->bytes &&
                  alone->client.has_value() == header->client.has_value());
  return 0;
}

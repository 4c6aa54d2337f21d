// Any payload of a client subnet option: what is accepted is written back byte for byte.
#include "base/assert.hpp"
#include "dns/client_subnet.hpp"

#include <algorithm>
#include <array>

using namespace meridian;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span payload{data, size};
  const auto subnet = dns::parse_client_subnet_reply(payload);
  const auto in_query = dns::parse_client_subnet(payload);
  MERIDIAN_ASSERT(!in_query || subnet == in_query);
  if (!subnet || !*subnet) return 0;
  std::array<std::uint8_t, 20> again;
  const std::size_t written = dns::write_client_subnet(again, **subnet);
  MERIDIAN_ASSERT(std::equal(payload.begin(), payload.end(), again.begin(), again.begin() + written));
  MERIDIAN_ASSERT(base::masked((*subnet)->source.address, (*subnet)->source.bits) ==
                  (*subnet)->source.address);
  return 0;
}

// Any body of a gRPC reply: what is accepted is one frame, and every part of it is refused.
#include "base/assert.hpp"
#include "probe/grpc_health.hpp"

using namespace meridian;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(data, data + size);
  const auto status = probe::read_grpc_health_reply(body);
  if (!status) {
    MERIDIAN_ASSERT(!status.error().empty());
    return 0;
  }
  MERIDIAN_ASSERT(!probe::to_string(*status).empty());
  for (std::size_t part = 0; part < size; ++part)
    MERIDIAN_ASSERT(!probe::read_grpc_health_reply(std::string_view{body}.substr(0, part)));
  return 0;
}

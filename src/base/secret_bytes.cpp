#include "base/secret_bytes.hpp"

#include "base/assert.hpp"

#include <unistd.h>

namespace meridian::base {

void fill_secret(std::span<std::uint8_t> bytes) noexcept {
  // getentropy(3) fails for more than 256 bytes and for kernels older than any that Debian 12 runs on.
  MERIDIAN_ASSERT(::getentropy(bytes.data(), bytes.size()) == 0);
}

}  // namespace meridian::base

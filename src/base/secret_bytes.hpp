// Bytes that nobody can guess, from the kernel: for keys. Not for draws on the hot path (base/random.hpp).
#pragma once

#include <cstdint>
#include <span>

namespace meridian::base {

/// At most 256 bytes. Waits for the kernel's generator where a machine has just started; any thread.
void fill_secret(std::span<std::uint8_t> bytes) noexcept;

}  // namespace meridian::base

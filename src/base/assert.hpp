// Assertions for our own bugs, never for bad input: they end the process with file, line and values.
//
// MERIDIAN_ASSERT is always on. MERIDIAN_DEBUG_ASSERT costs nothing in optimised builds and is for
// hot loops only.
#pragma once

#include <string_view>

namespace meridian::base {

[[noreturn]] void assertion_failed(std::string_view expression, std::string_view file, int line) noexcept;

}  // namespace meridian::base

#define MERIDIAN_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::meridian::base::assertion_failed(#expression, __FILE__, __LINE__))

#ifdef NDEBUG
#define MERIDIAN_DEBUG_ASSERT(expression) static_cast<void>(0)
#else
#define MERIDIAN_DEBUG_ASSERT(expression) MERIDIAN_ASSERT(expression)
#endif

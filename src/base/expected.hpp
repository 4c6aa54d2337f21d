// A value or an error, shaped like std::expected for a later swap (g++ 12 lacks it).
//
// Errors are values here: an Rcode for packets, Diagnostics for files. Exceptions never cross
// the interface of a module below L4.
#pragma once

#include <tl/expected.hpp>

#include <utility>

namespace meridian::base {

template <typename T, typename E>
using Expected = tl::expected<T, E>;

/// Wraps an error for return from a function that yields Expected.
template <typename E>
[[nodiscard]] constexpr auto unexpected(E&& error) {
  return tl::unexpected<std::decay_t<E>>(std::forward<E>(error));
}

}  // namespace meridian::base

// A cursor over a packet: ask has(n) once, then take what was asked for.
//
// HOT: reads behind a has() are not checked again but in debug builds.
#pragma once

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "dns/header.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace meridian::dns {

class Reader {
 public:
  /// Starts at `offset`, at most bytes.size().
  explicit constexpr Reader(std::span<const std::uint8_t> bytes, std::size_t offset = 0) noexcept
      : bytes_(bytes), at_(offset) {}

  [[nodiscard]] constexpr std::size_t at() const noexcept { return at_; }
  [[nodiscard]] constexpr bool is_at_end() const noexcept { return at_ == bytes_.size(); }
  [[nodiscard]] constexpr bool has(std::size_t count) const noexcept { return bytes_.size() - at_ >= count; }

  /// These four only within what has() granted.
  [[nodiscard]] constexpr std::uint8_t u8() noexcept { return *advance(1); }
  [[nodiscard]] constexpr std::uint16_t u16() noexcept { return load_u16(advance(2)); }
  [[nodiscard]] constexpr std::uint32_t u32() noexcept { return load_u32(advance(4)); }
  [[nodiscard]] constexpr std::span<const std::uint8_t> take(std::size_t count) noexcept {
    return {advance(count), count};
  }

  [[nodiscard]] constexpr bool skip(std::size_t count) noexcept {
    if (!has(count)) return false;
    at_ += count;
    return true;
  }

  /// Moves past a name, compressed or not, without following its pointer; false when it is malformed.
  [[nodiscard]] constexpr bool skip_name() noexcept {
    const std::size_t start = at_;
    while (has(1)) {
      const std::uint8_t label = u8();
      if (label == 0) return true;
      if (label >= 0xc0) return skip(1);
      if (label > base::limits::kLabelBytesMax || !skip(label)) return false;
      if (at_ - start >= base::limits::kNameBytesMax) return false;
    }
    return false;
  }

 private:
  constexpr const std::uint8_t* advance(std::size_t count) noexcept {
    MERIDIAN_DEBUG_ASSERT(has(count));
    const std::uint8_t* from = bytes_.data() + at_;
    at_ += count;
    return from;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_;
};

}  // namespace meridian::dns

// Domain names in wire form: a view into somebody's bytes, and a fixed-size name of one's own.
//
// HOT: nothing here allocates but the functions that return std::string. A view never outlives the bytes
// it looks at. Names compare without regard to ASCII case (RFC 4343) unless said otherwise.
#pragma once

#include "base/expected.hpp"
#include "base/limits.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace meridian::dns {

/// ASCII A–Z to a–z, any other byte as it is (RFC 4343 3).
[[nodiscard]] constexpr std::uint8_t lower(std::uint8_t byte) noexcept {
  return byte >= 'A' && byte <= 'Z' ? static_cast<std::uint8_t>(byte + 32) : byte;
}

/// lower() of `size` bytes, eight at a time; `from` and `to` may be the same. Length bytes are at most 63,
/// below 'A', so a whole wire form can go through at once.
void copy_lower(std::uint8_t* to, const std::uint8_t* from, std::size_t size) noexcept;

/// A valid, uncompressed wire-form name, final zero byte included.
class NameView {
 public:
  constexpr NameView() noexcept = default;
  /// `wire` must be exactly one valid name: check foreign bytes with find_name_end, Name::read or
  /// Name::parse.
  constexpr explicit NameView(std::span<const std::uint8_t> wire) noexcept : wire_(wire) {}

  [[nodiscard]] constexpr std::span<const std::uint8_t> wire() const noexcept { return wire_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return wire_.size(); }
  [[nodiscard]] constexpr bool is_root() const noexcept { return wire_.size() == 1; }

  /// The first label's bytes, without its length byte. Empty for the root.
  [[nodiscard]] constexpr std::span<const std::uint8_t> first_label() const noexcept {
    return wire_.subspan(1, wire_[0]);
  }
  /// Without the first label. Not for the root.
  [[nodiscard]] constexpr NameView parent() const noexcept { return NameView{wire_.subspan(1u + wire_[0])}; }
  /// Labels without the root: 3 for www.example.com.
  [[nodiscard]] std::size_t label_count() const noexcept;
  /// True when the first label is `*` (RFC 4592 2.1.1).
  [[nodiscard]] constexpr bool is_wildcard() const noexcept {
    return wire_.size() > 2 && wire_[0] == 1 && wire_[1] == '*';
  }

  /// True for the name itself and every name under `ancestor`.
  [[nodiscard]] bool is_at_or_under(NameView ancestor) const noexcept;

  friend bool operator==(NameView left, NameView right) noexcept;

 private:
  static constexpr std::array<std::uint8_t, 1> kRoot{0};
  std::span<const std::uint8_t> wire_{kRoot};
};

/// A name that owns its bytes; at most 255.
class Name {
 public:
  Name() noexcept { wire_[0] = 0; }  ///< the root
  explicit Name(NameView view) noexcept : length_(static_cast<std::uint8_t>(view.size())) {
    std::memcpy(wire_.data(), view.wire().data(), view.size());
  }

  /// Reads presentation form (RFC 1035 5.1: `\.` and `\DDD`); the final dot may be missing, "" is refused.
  /// The error says what is wrong, e.g. "'a..b' has an empty label".
  [[nodiscard]] static base::Expected<Name, std::string> parse(std::string_view text);

  /// `*.` in front of `parent`. False when that would be too long; the name is then unchanged.
  [[nodiscard]] bool assign_wildcard_of(NameView parent) noexcept;

  /// Makes every ASCII letter lower case.
  void make_lower() noexcept;
  /// Copies `view` in lower case.
  void assign_lower(NameView view) noexcept;

  [[nodiscard]] NameView view() const noexcept { return NameView{std::span{wire_.data(), length_}}; }
  operator NameView() const noexcept { return view(); }  // NOLINT(google-explicit-constructor)

  friend bool operator==(const Name& left, const Name& right) noexcept { return left.view() == right.view(); }

  /// Copies a name out of `message` at `offset`, following compression pointers backwards only (RFC 1035
  /// 4.1.4). Returns the offset after the name, or 0 when the bytes are no name (no message has a name
  /// that ends at 0); this name is then the root.
  [[nodiscard]] std::size_t read(std::span<const std::uint8_t> message, std::size_t offset) noexcept;

 private:
  [[nodiscard]] std::size_t copy_labels(std::span<const std::uint8_t> message, std::size_t offset) noexcept;

  // Not initialised: only the first length_ bytes are ever read.
  std::array<std::uint8_t, base::limits::kNameBytesMax> wire_;
  std::uint8_t length_ = 1;
};

/// The offset after the name that starts at `offset`, or 0 when no valid uncompressed name stands there.
[[nodiscard]] std::size_t find_name_end(std::span<const std::uint8_t> bytes, std::size_t offset) noexcept;

/// Presentation form with a final dot only for the root: "www.example.com", ".".
[[nodiscard]] std::string to_string(NameView name);

}  // namespace meridian::dns

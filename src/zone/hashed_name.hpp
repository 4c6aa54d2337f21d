// A name with the hash of each of its suffixes, computed once a query: zones, closest enclosers and wildcards
// are all found by suffix.
//
// HOT. A view: never outlives the bytes of the name. Hashes are the same in every zone but may differ between
// machines (byte order), so they are never stored in files.
#pragma once

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "dns/name.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace meridian::zone {

/// The hash of the root, from which extend_hash goes label by label.
inline constexpr std::uint64_t kRootHash =
    0x243f'6a88'85a3'08d3;  // the first digits of pi: nothing up the sleeve

namespace detail {

__extension__ using Word128 = unsigned __int128;

/// The product's halves, one upon the other: each input bit moves both of them (as in wyhash).
[[nodiscard]] inline std::uint64_t multiply_fold(std::uint64_t left, std::uint64_t right) noexcept {
  const Word128 product = static_cast<Word128>(left) * right;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

[[nodiscard]] inline std::uint64_t mix_word(std::uint64_t hash, std::uint64_t word) noexcept {
  return multiply_fold(hash ^ word, 0x9e37'79b9'7f4a'7c15ull);
}

template <typename Word>
[[nodiscard]] std::uint64_t load(const std::uint8_t* bytes) noexcept {
  Word word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

}  // namespace detail

/// The hash of a name one label longer. `label` starts with its length byte, which keeps "ab" + "c" and "a" +
/// "bc" apart.
[[nodiscard]] inline std::uint64_t extend_hash(std::uint64_t hash,
                                               std::span<const std::uint8_t> label) noexcept {
  const std::uint8_t* bytes = label.data();
  std::size_t left = label.size();
  for (; left >= 8; bytes += 8, left -= 8) hash = detail::mix_word(hash, detail::load<std::uint64_t>(bytes));
  if (left >= 4) {
    // Two words that overlap: no byte-wise tail. The length byte says how much they do.
    const std::uint64_t low = detail::load<std::uint32_t>(bytes);
    hash = detail::mix_word(hash, low | detail::load<std::uint32_t>(bytes + left - 4) << 32);
  } else if (left > 0) {
    const std::uint64_t ends = bytes[0] | std::uint64_t{bytes[left - 1]} << 8;
    hash = detail::mix_word(hash, ends | std::uint64_t{bytes[left / 2]} << 16 | 1u << 24);
  }
  return hash;
}

class HashedName {
 public:
  HashedName() noexcept : HashedName(dns::NameView{}) {}  ///< the root
  /// `name` must be lower case.
  // Plain pointers: a name of at most 255 bytes keeps all of them in range, and checked ones double the work.
  explicit HashedName(dns::NameView name) noexcept : wire_(name.wire()) {
    const std::uint8_t* const wire = wire_.data();
    std::uint8_t* const starts = starts_.data();
    std::size_t count = 0;
    std::size_t at = 0;
    for (; wire[at] != 0; at += 1u + wire[at]) starts[count++] = static_cast<std::uint8_t>(at);
    starts[count] = static_cast<std::uint8_t>(at);
    label_count_ = count;
    std::uint64_t hash = kRootHash;
    std::uint64_t* hashes = hashes_.data();
    *hashes = hash;
    while (count-- > 0) {
      const std::uint8_t* const label = wire + starts[count];
      hash = extend_hash(hash, {label, 1u + *label});
      *++hashes = hash;
    }
  }

  [[nodiscard]] dns::NameView name() const noexcept { return dns::NameView{wire_}; }
  [[nodiscard]] std::size_t label_count() const noexcept { return label_count_; }

  /// The last `labels` labels: 0 is the root, label_count() the whole name.
  [[nodiscard]] dns::NameView suffix(std::size_t labels) const noexcept {
    MERIDIAN_DEBUG_ASSERT(labels <= label_count_);
    const std::size_t start = starts_.data()[label_count_ - labels];
    return dns::NameView{{wire_.data() + start, wire_.size() - start}};
  }
  [[nodiscard]] std::uint64_t hash(std::size_t labels) const noexcept {
    MERIDIAN_DEBUG_ASSERT(labels <= label_count_);
    return hashes_.data()[labels];
  }

 private:
  std::span<const std::uint8_t> wire_;
  std::size_t label_count_ = 0;
  // Not initialised: only as many are written, and read, as the name has labels.
  std::array<std::uint8_t, base::limits::kLabelsMax> starts_;
  std::array<std::uint64_t, base::limits::kLabelsMax> hashes_;
};

}  // namespace meridian::zone

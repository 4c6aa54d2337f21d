#include "dns/rrset.hpp"

#include "base/assert.hpp"
#include "dns/rdata.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace meridian::dns {
namespace {

constexpr std::size_t kPointerReach = 0x4000;  // 14 bits (RFC 1035 4.1.4)
/// The writer moves pointers by what the question's name is longer than the owner.
constexpr std::size_t kMovedReach = kPointerReach - base::limits::kNameBytesMax;

/// Where images start when their owner is the question's name.
std::size_t images_at(NameView owner) noexcept { return kHeaderBytes + owner.size() + kQuestionFixedBytes; }

/// Writes names at the end of images, compressed against the owner and the names before.
class NameCompressor {
 public:
  /// `start` is where the images begin in memory.
  NameCompressor(NameView owner, const std::uint8_t* start) noexcept
      : start_(start), base_(images_at(owner)) {
    // A wildcard stands in for the name that was asked for, so its own first label is not in the message.
    const bool wildcard = owner.is_wildcard();
    std::size_t at = kQuestionNameOffset + (wildcard ? 2u : 0u);
    for (NameView rest = wildcard ? owner.parent() : owner; !rest.is_root(); rest = rest.parent()) {
      remember(rest, at);
      at += 1u + rest.wire()[0];
    }
  }

  /// Returns the byte after the name.
  std::uint8_t* put(NameView name, std::uint8_t* out) noexcept {
    for (; !name.is_root(); name = name.parent()) {
      const Known* known = find(name);
      if (known != nullptr) {
        store_u16(out, static_cast<std::uint16_t>(kPointerMark | known->offset));
        return out + 2;
      }
      remember(name, base_ + static_cast<std::size_t>(out - start_));
      const std::size_t label_bytes = 1u + name.wire()[0];
      std::memcpy(out, name.wire().data(), label_bytes);
      out += label_bytes;
    }
    *out = 0;
    return out + 1;
  }

 private:
  struct Known {
    NameView name;
    std::size_t offset = 0;
  };

  void remember(NameView name, std::size_t offset) noexcept {
    if (offset >= kMovedReach || count_ == known_.size()) return;
    known_[count_++] = {name, offset};
  }
  const Known* find(NameView name) const noexcept {
    const auto known = std::span{known_}.first(count_);
    const auto at = std::find_if(known.begin(), known.end(), [&](const Known& k) { return k.name == name; });
    return at == known.end() ? nullptr : &*at;
  }

  const std::uint8_t* start_;
  std::size_t base_;
  std::size_t count_ = 0;
  std::array<Known, base::limits::kCompressionNamesMax> known_;
};

/// For a type whose names may be compressed.
std::uint8_t* put_rdata(NameCompressor& names, const RdataNames& shape, std::span<const std::uint8_t> rdata,
                        std::uint8_t* out) noexcept {
  std::memcpy(out, rdata.data(), shape.fixed_bytes);
  out += shape.fixed_bytes;
  std::size_t at = shape.fixed_bytes;
  for (std::size_t left = shape.name_count; left > 0; --left) {
    const std::size_t end = find_name_end(rdata, at);
    MERIDIAN_ASSERT(end != 0);
    out = names.put(NameView{rdata.subspan(at, end - at)}, out);
    at = end;
  }
  return std::copy(rdata.begin() + static_cast<std::ptrdiff_t>(at), rdata.end(), out);
}

/// Spells out the name at `at` of `from`, which is a part of the rrset's images, and moves `at` past it.
/// Returns the name's size.
std::size_t spell_name(const Rrset& rrset, std::span<const std::uint8_t> from, std::size_t& at,
                       std::uint8_t* out) noexcept {
  const std::size_t base = images_at(rrset.owner);
  std::size_t size = 0;
  bool moved = false;  // `at` is past the name already: the rest is read elsewhere
  std::size_t here = at;
  for (;;) {
    const std::uint8_t label = from[here];
    if (label >= 0xc0) {
      const std::size_t target = load_u16(from.data() + here) & (kPointerReach - 1);
      if (!moved) at = here + 2;
      moved = true;
      if (target < base) {
        const auto suffix = rrset.owner.wire().subspan(target - kQuestionNameOffset);
        std::memcpy(out + size, suffix.data(), suffix.size());
        return size + suffix.size();
      }
      from = rrset.images;
      here = target - base;
      continue;
    }
    MERIDIAN_DEBUG_ASSERT(size + label < base::limits::kNameBytesMax);
    std::memcpy(out + size, from.data() + here, 1u + label);
    size += 1u + label;
    here += 1u + label;
    if (label == 0) break;
  }
  if (!moved) at = here;
  return size;
}

}  // namespace

std::span<const std::uint8_t> spell_rdata(const Rrset& rrset, std::span<const std::uint8_t> rdata,
                                          SpelledRdata& room) noexcept {
  const RdataNames shape = compressible_names(rrset.type);
  if (shape.name_count == 0) return rdata;
  std::memcpy(room.data(), rdata.data(), shape.fixed_bytes);
  std::size_t at = shape.fixed_bytes;
  std::size_t size = at;
  for (std::size_t left = shape.name_count; left > 0; --left) {
    size += spell_name(rrset, rdata, at, room.data() + size);
  }
  const auto rest = rdata.subspan(at);
  MERIDIAN_DEBUG_ASSERT(size + rest.size() <= room.size());
  if (!rest.empty()) std::memcpy(room.data() + size, rest.data(), rest.size());
  return std::span{room}.first(size + rest.size());
}

Name read_target(const Rrset& rrset) noexcept {
  SpelledRdata room;
  const std::size_t length = load_u16(rrset.images.data() + kImageLengthAt);
  return Name{NameView{spell_rdata(rrset, rrset.images.subspan(kImageFixedBytes, length), room)}};
}

std::size_t render_rrset(NameView owner, Rtype type, std::uint32_t ttl_s,
                         std::span<const std::span<const std::uint8_t>> rdata, std::uint8_t* out) noexcept {
  const RdataNames shape = compressible_names(type);
  std::optional<NameCompressor> names;
  if (shape.name_count != 0) names.emplace(owner, out);
  const std::uint8_t* const start = out;
  for (const auto& one : rdata) {
    store_u16(out, kPointerMark | kQuestionNameOffset);
    store_u16(out + kImageTypeAt, static_cast<std::uint16_t>(type));
    store_u16(out + kImageTypeAt + 2, static_cast<std::uint16_t>(Rclass::In));
    store_u32(out + kImageTtlAt, ttl_s);
    std::uint8_t* end = out + kImageFixedBytes;
    end = names ? put_rdata(*names, shape, one, end) : std::copy(one.begin(), one.end(), end);
    store_u16(out + kImageLengthAt, static_cast<std::uint16_t>(end - (out + kImageFixedBytes)));
    out = end;
  }
  return static_cast<std::size_t>(out - start);
}

}  // namespace meridian::dns

#include "zone/node_table.hpp"

#include "base/assert.hpp"
#include "zone/hashed_name.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <new>

namespace meridian::zone {
namespace {

/// Blocks start at multiples of this, so that 32 bits address 32 GiB and an Rrset is aligned.
constexpr std::size_t kUnit = alignof(Rrset);
static_assert(kUnit == 8 && sizeof(Rrset) == 24);

constexpr std::array<std::uint8_t, 2> kWildcardLabel{1, '*'};

constexpr std::size_t round_up(std::size_t bytes) { return (bytes + kUnit - 1) / kUnit * kUnit; }

}  // namespace

// A block: header, name, padding to 8, the Rrset objects, the rdata they view, padding to 8. One name with
// one address is 64 bytes, so that a lookup that found its slot mostly touches one cache line or two.
struct Node::Header {
  std::uint32_t units = 0;
  base::ServiceId service = base::kNoService;
  std::uint16_t rrset_count = 0;
  std::uint8_t flags = 0;
  std::uint8_t name_bytes = 0;
};

Node::Header Node::header() const noexcept {
  Header header;
  std::memcpy(&header, block_, sizeof header);
  return header;
}

dns::NameView Node::name() const noexcept {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(block_ + sizeof(Header));
  return dns::NameView{{bytes, header().name_bytes}};
}

bool Node::has(unsigned flags) const noexcept { return (header().flags & flags) != 0; }

base::ServiceId Node::service() const noexcept { return header().service; }

std::span<const Rrset> Node::rrsets() const noexcept {
  const Header head = header();
  if (head.rrset_count == 0) return {};
  // append() made Rrset objects exactly here.
  const auto* at = block_ + round_up(sizeof(Header) + head.name_bytes);
  return {std::launder(reinterpret_cast<const Rrset*>(at)), head.rrset_count};
}

const Rrset* Node::find(dns::Rtype type) const noexcept {
  for (const auto& rrset : rrsets()) {
    if (rrset.type == type) return &rrset;
  }
  return nullptr;
}

NodeTable::NodeTable(std::size_t node_count, std::size_t block_bytes)
    : blocks_(std::make_unique_for_overwrite<std::byte[]>(block_bytes)),
      capacity_bytes_(block_bytes),
      // At most two thirds full: probes stay short, and an absent name is mostly an empty slot.
      mask_(std::bit_ceil(node_count + node_count / 2 + 1) - 1),
      slots_(mask_ + 1) {
  MERIDIAN_ASSERT(block_bytes / kUnit < std::numeric_limits<std::uint32_t>::max());
}

std::size_t NodeTable::block_size(std::size_t name_bytes, std::size_t rrset_count,
                                  std::size_t rdata_bytes) noexcept {
  return round_up(round_up(sizeof(Node::Header) + name_bytes) + rrset_count * sizeof(Rrset) + rdata_bytes);
}

void NodeTable::append(dns::NameView name, std::uint64_t hash, std::uint8_t flags, base::ServiceId service,
                       std::span<const RrsetDraft> rrsets) {
  std::size_t rdata_bytes = 0;
  for (const auto& rrset : rrsets) {
    for (const auto& rdata : rrset.rdata) rdata_bytes += 2 + rdata.size();
  }
  const std::size_t size = block_size(name.size(), rrsets.size(), rdata_bytes);
  MERIDIAN_ASSERT(used_bytes_ + size <= capacity_bytes_);
  std::byte* block = blocks_.get() + used_bytes_;

  const Node::Header header{static_cast<std::uint32_t>(size / kUnit), service,
                            static_cast<std::uint16_t>(rrsets.size()), flags,
                            static_cast<std::uint8_t>(name.size())};
  std::memcpy(block, &header, sizeof header);
  std::memcpy(block + sizeof header, name.wire().data(), name.size());
  std::byte* rrset_at = block + round_up(sizeof header + name.size());
  auto* rdata_at = reinterpret_cast<std::uint8_t*>(rrset_at + rrsets.size() * sizeof(Rrset));
  for (const auto& draft : rrsets) {
    const std::uint8_t* start = rdata_at;
    for (const auto& rdata : draft.rdata) {
      *rdata_at++ = static_cast<std::uint8_t>(rdata.size() >> 8);
      *rdata_at++ = static_cast<std::uint8_t>(rdata.size());
      rdata_at = std::copy(rdata.begin(), rdata.end(), rdata_at);
    }
    new (rrset_at) Rrset{draft.type,
                         static_cast<std::uint16_t>(draft.rdata.size()),
                         draft.ttl_s,
                         {start, static_cast<std::size_t>(rdata_at - start)}};
    rrset_at += sizeof(Rrset);
  }

  std::size_t slot = hash & mask_;
  while (slots_[slot].unit != 0) slot = (slot + 1) & mask_;
  slots_[slot] = {static_cast<std::uint32_t>(hash >> 32),
                  static_cast<std::uint32_t>(used_bytes_ / kUnit + 1)};
  used_bytes_ += size;
  ++node_count_;
}

template <typename Matches>
Node NodeTable::find_slot(std::uint64_t hash, Matches matches) const noexcept {
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  // Ends: a third of the slots is empty.
  for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
    const Slot slot = slots_[at];
    if (slot.unit == 0) return {};
    if (slot.tag != tag) continue;
    const Node node{blocks_.get() + (slot.unit - 1) * kUnit};
    if (matches(node.name().wire())) return node;
  }
}

Node NodeTable::find(dns::NameView name, std::uint64_t hash) const noexcept {
  const auto wanted = name.wire();
  return find_slot(hash, [&](std::span<const std::uint8_t> candidate) {
    return candidate.size() == wanted.size() &&
           std::memcmp(candidate.data(), wanted.data(), wanted.size()) == 0;
  });
}

Node NodeTable::find_wildcard(dns::NameView parent, std::uint64_t parent_hash) const noexcept {
  const auto wanted = parent.wire();
  return find_slot(extend_hash(parent_hash, kWildcardLabel), [&](std::span<const std::uint8_t> candidate) {
    return candidate.size() == wanted.size() + 2 && candidate[0] == 1 && candidate[1] == '*' &&
           std::memcmp(candidate.data() + 2, wanted.data(), wanted.size()) == 0;
  });
}

Node NodeTable::first() const noexcept { return used_bytes_ == 0 ? Node{} : Node{blocks_.get()}; }

Node NodeTable::next(Node node) const noexcept {
  const std::byte* after = node.block_ + node.header().units * kUnit;
  return after == blocks_.get() + used_bytes_ ? Node{} : Node{after};
}

}  // namespace meridian::zone

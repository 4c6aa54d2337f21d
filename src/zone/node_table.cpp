#include "zone/node_table.hpp"

#include "base/assert.hpp"
#include "zone/hashed_name.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace meridian::zone {
namespace {

/// Blocks start at multiples of this, so that 32 bits address 16 GiB: the largest zone file that is read has
/// 1 GiB and makes a third of that.
constexpr std::size_t kUnit = 4;

constexpr std::size_t kCacheLineBytes = 64;

constexpr std::array<std::uint8_t, 2> kWildcardLabel{1, '*'};

constexpr std::size_t round_up(std::size_t bytes) { return (bytes + kUnit - 1) / kUnit * kUnit; }

}  // namespace

//  | header | name | head, records | head, records | … | padding to 4
//
// Records as they go out: see dns/rrset.hpp. One name with one address takes 36 bytes and its name, so that a
// lookup that found its slot mostly touches one cache line or two.
struct Node::Header {
  std::uint32_t units = 0;
  base::ServiceId service = base::kNoService;
  std::uint16_t rrset_count = 0;
  std::uint8_t flags = 0;
  std::uint8_t name_bytes = 0;
};

struct Node::RrsetHead {
  dns::Rtype type{};
  std::uint16_t count = 0;
  std::uint32_t bytes = 0;
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

std::size_t Node::rrset_count() const noexcept { return header().rrset_count; }

const std::byte* Node::rrsets_at() const noexcept { return block_ + sizeof(Header) + header().name_bytes; }

Rrset Node::read_rrset(const std::byte*& at) const noexcept {
  RrsetHead head;
  std::memcpy(&head, at, sizeof head);
  const auto* images = reinterpret_cast<const std::uint8_t*>(at + sizeof head);
  at += sizeof head + head.bytes;
  return {.type = head.type,
          .count = head.count,
          .ttl_s = dns::load_u32(images + dns::kImageTtlAt),
          .owner = name(),
          .images = {images, head.bytes}};
}

Rrset Node::first_rrset() const noexcept {
  const std::byte* at = rrsets_at();
  return read_rrset(at);
}

std::optional<Rrset> Node::find(dns::Rtype type) const noexcept {
  const std::byte* at = rrsets_at();
  for (std::size_t left = rrset_count(); left > 0; --left) {
    RrsetHead head;
    std::memcpy(&head, at, sizeof head);
    if (head.type == type) return read_rrset(at);
    at += sizeof head + head.bytes;
  }
  return std::nullopt;
}

NodeTable::NodeTable(std::size_t node_count, std::size_t block_bytes_max)
    // Pages past what compression leaves are never touched, and given back by shrink().
    : blocks_(static_cast<std::byte*>(std::malloc(block_bytes_max))),
      capacity_bytes_(block_bytes_max),
      // Two thirds full: probes stay short, and an absent name is mostly an empty slot.
      slots_(node_count + node_count / 2 + 1) {
  MERIDIAN_ASSERT(blocks_ != nullptr && block_bytes_max / kUnit < std::numeric_limits<std::uint32_t>::max());
  base::advise_huge_pages(blocks_.get(), block_bytes_max);
}

std::size_t NodeTable::block_size_max(std::size_t name_bytes, std::size_t rrset_count,
                                      std::size_t record_count, std::size_t rdata_bytes) noexcept {
  return round_up(sizeof(Node::Header) + name_bytes + rrset_count * sizeof(Node::RrsetHead) +
                  record_count * dns::kImageFixedBytes + rdata_bytes);
}

void NodeTable::shrink() noexcept {
  auto* const moved = static_cast<std::byte*>(std::realloc(blocks_.get(), used_bytes_));
  if (moved == nullptr) return;  // as it was
  static_cast<void>(blocks_.release());
  blocks_.reset(moved);
  capacity_bytes_ = used_bytes_;
}

void NodeTable::append(dns::NameView name, std::uint64_t hash, std::uint8_t flags, base::ServiceId service,
                       std::span<const RrsetDraft> rrsets) {
  std::size_t record_count = 0;
  std::size_t rdata_bytes = 0;
  for (const auto& rrset : rrsets) {
    record_count += rrset.rdata.size();
    for (const auto& rdata : rrset.rdata) rdata_bytes += rdata.size();
  }
  MERIDIAN_ASSERT(used_bytes_ + block_size_max(name.size(), rrsets.size(), record_count, rdata_bytes) <=
                  capacity_bytes_);
  std::byte* const block = blocks_.get() + used_bytes_;
  std::byte* at = block + sizeof(Node::Header);
  std::memcpy(at, name.wire().data(), name.size());
  at += name.size();
  for (const auto& draft : rrsets) {
    auto* const images = reinterpret_cast<std::uint8_t*>(at + sizeof(Node::RrsetHead));
    const std::size_t bytes = dns::render_rrset(name, draft.type, draft.ttl_s, draft.rdata, images);
    const Node::RrsetHead head{draft.type, static_cast<std::uint16_t>(draft.rdata.size()),
                               static_cast<std::uint32_t>(bytes)};
    std::memcpy(at, &head, sizeof head);
    at += sizeof head + bytes;
  }
  const std::size_t size = round_up(static_cast<std::size_t>(at - block));
  const Node::Header header{static_cast<std::uint32_t>(size / kUnit), service,
                            static_cast<std::uint16_t>(rrsets.size()), flags,
                            static_cast<std::uint8_t>(name.size())};
  std::memcpy(block, &header, sizeof header);

  std::size_t slot = first_slot(hash);
  while (slots_[slot].unit != 0) slot = slot + 1 == slots_.size() ? 0 : slot + 1;
  slots_[slot] = {static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(used_bytes_ / kUnit + 1)};
  used_bytes_ += size;
  ++node_count_;
}

/// The upper half of the hash as a fraction of the table: any size will do, not only powers of two.
std::size_t NodeTable::first_slot(std::uint64_t hash) const noexcept {
  return (hash >> 32) * slots_.size() >> 32;
}

template <typename Matches>
Node NodeTable::find_slot(std::uint64_t hash, Matches matches) const noexcept {
  const auto tag = static_cast<std::uint32_t>(hash);
  const Slot* const slots = slots_.data();
  // Ends: a third of the slots is empty.
  for (std::size_t at = first_slot(hash);; at = at + 1 == slots_.size() ? 0 : at + 1) {
    const Slot slot = slots[at];
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

void NodeTable::fetch_node_ahead(std::uint64_t hash) const noexcept {
  const Slot slot = slots_[first_slot(hash)];
  if (slot.unit == 0) return;
  const std::byte* const block = blocks_.get() + (slot.unit - 1) * kUnit;
  __builtin_prefetch(block);
  __builtin_prefetch(block + kCacheLineBytes);  // a name and an address seldom end in one line
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

#include "geo/packed_tree.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace meridian::geo {
namespace {

/// How eight blocks, the first in the lowest bit, change the number of those to come: a split adds two, and
/// each takes itself away.
struct Change {
  std::int8_t all = 0;
  std::int8_t lowest = 0;  ///< on the way
};

constexpr std::array<Change, 256> kByteChanges = [] {
  std::array<Change, 256> changes{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    auto& [all, lowest] = changes[byte];
    for (unsigned bit = 0; bit < 8; ++bit) {
      all = static_cast<std::int8_t>(all + ((byte >> bit & 1) != 0 ? 1 : -1));
      lowest = std::min(lowest, all);
    }
  }
  return changes;
}();

void visit_leaves(PackedTree::Cursor& cursor, base::IpPrefix& block,
                  const std::function<void(const base::IpPrefix&, std::uint32_t)>& visit) {
  if (!cursor.next_is_split()) return visit(block, cursor.take_value());
  const auto depth = block.bits;
  auto& byte = block.address.bytes[depth / 8];
  const auto bit = static_cast<std::uint8_t>(0x80 >> (depth % 8));
  block.bits = static_cast<std::uint8_t>(depth + 1);
  visit_leaves(cursor, block, visit);
  block.bits = static_cast<std::uint8_t>(depth + 1);
  byte = static_cast<std::uint8_t>(byte | bit);
  visit_leaves(cursor, block, visit);
  byte = static_cast<std::uint8_t>(byte & ~bit);
  block.bits = depth;
}

}  // namespace

PackedTree::PackedTree(base::Family family, std::uint32_t value)
    : family_(family), shape_{0}, values_{value} {
  MERIDIAN_ASSERT(value <= base::limits::kTrieValueMax);
}

PackedTree::PackedTree(base::Family family, base::LargeVector<std::uint64_t> shape, std::size_t block_count,
                       base::LargeVector<std::uint32_t> values)
    : family_(family), shape_(std::move(shape)), values_(std::move(values)) {
  strides_.resize(block_count / kStride);
  for (std::size_t i = 0; i < strides_.size(); ++i) {
    int change = 0;
    int lowest = 0;
    for (std::size_t at = i * kStride; at < (i + 1) * kStride; at += 8) {
      const auto& byte = kByteChanges[shape_[at / 64] >> (at % 64) & 0xff];
      lowest = std::min(lowest, change + byte.lowest);
      change += byte.all;
    }
    const auto leaves = static_cast<std::uint32_t>((static_cast<int>(kStride) - change) / 2);
    strides_[i] = {static_cast<std::int16_t>(change), static_cast<std::int16_t>(lowest), leaves};
  }
}

std::size_t PackedTree::memory_bytes() const noexcept {
  return sizeof *this + shape_.size() * sizeof(std::uint64_t) + values_.size() * sizeof(std::uint32_t) +
         strides_.size() * sizeof(Stride);
}

void PackedTree::Cursor::skip() noexcept {
  int to_come = 1;
  while (to_come > 0) {
    const std::size_t stride = block_ / kStride;
    if (block_ % kStride == 0 && stride < tree_->strides_.size()) {
      const Stride& whole = tree_->strides_[stride];
      if (to_come + whole.lowest > 0) {
        to_come += whole.change;
        leaf_ += whole.leaves;
        block_ += kStride;
        continue;
      }
    }
    // The rest of a byte at once, where the end cannot lie in it.
    if (block_ % 8 == 0 && to_come > 8) {
      const std::uint64_t splits = tree_->shape_[block_ / 64] >> (block_ % 64) & 0xff;
      to_come += kByteChanges[splits].all;
      leaf_ += 8 - static_cast<std::size_t>(std::popcount(splits));
      block_ += 8;
      continue;
    }
    if (next_is_split()) {
      ++to_come;
    } else {
      --to_come;
      ++leaf_;
    }
  }
}

Leaf PackedTree::lookup(const base::IpAddress& address) const noexcept {
  MERIDIAN_DEBUG_ASSERT(address.family == family_);
  Cursor cursor(*this);
  std::uint8_t depth = 0;
  for (; cursor.next_is_split(); ++depth) {
    if (address.bit(depth)) cursor.skip();
  }
  return {cursor.take_value(), depth};
}

void PackedTree::for_each_leaf(const std::function<void(const base::IpPrefix&, std::uint32_t)>& visit) const {
  Cursor cursor(*this);
  base::IpPrefix block{.address = {family_, {}}, .bits = 0};
  visit_leaves(cursor, block, visit);
}

PackedTreeBuilder::PackedTreeBuilder(base::Family family, std::size_t leaves_max)
    : family_(family), shape_(leaves_max / 32 + 1) {
  values_.reserve(leaves_max);
}

PackedTree PackedTreeBuilder::finish(Block root) && {
  if (root.is_leaf) return {family_, values_.front() == kMelts ? 0 : values_.front()};
  shape_.resize(block_count_ / 64 + 1);
  shape_.shrink_to_fit();
  return {family_, std::move(shape_), block_count_, std::move(values_)};
}

}  // namespace meridian::geo

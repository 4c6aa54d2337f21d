// The same tree as PrefixTree in half its room, for what is walked from one end to the other: all networks of
// a GeoIP file.
//
// In preorder, a bit for each block (1: it is split) and beside them the values of the blocks that are not.
// Canonical as PrefixTree is. Immutable once built, so any thread may read it. Not for the query path:
// lookup() has to pass over what stands before the address, which takes microseconds in a city database.
#pragma once

#include "base/assert.hpp"
#include "base/huge_pages.hpp"
#include "base/ip.hpp"
#include "geo/prefix_tree.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace meridian::geo {

class PackedTree {
 public:
  /// One leaf with `value` over the whole family.
  PackedTree(base::Family family, std::uint32_t value);

  [[nodiscard]] base::Family family() const noexcept { return family_; }
  [[nodiscard]] std::size_t leaf_count() const noexcept { return values_.size(); }
  [[nodiscard]] std::size_t node_count() const noexcept { return values_.size() - 1; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

  /// The address must be of the tree's family.
  [[nodiscard]] Leaf lookup(const base::IpAddress& address) const noexcept;

  /// Gives every leaf with value v the value `number_of(v)`, which differs for different values and is at
  /// most limits::kTrieValueMax. For whoever builds the tree.
  template <typename NumberOf>
  void renumber(NumberOf number_of) {
    for (auto& value : values_) value = number_of(value);
  }

  /// Every leaf with its block, in address order.
  void for_each_leaf(const std::function<void(const base::IpPrefix&, std::uint32_t value)>& visit) const;

  /// Stands before a block of the preorder.
  class Cursor {
   public:
    explicit Cursor(const PackedTree& tree) noexcept
        : tree_(&tree), shape_(tree.shape_.data()), values_(tree.values_.data()) {}

    /// Steps over the next block's head. True: it is split, and its halves come next; else its value() is to
    /// be taken.
    [[nodiscard]] bool next_is_split() noexcept {
      const bool is_split = (shape_[block_ / 64] >> (block_ % 64) & 1) != 0;
      ++block_;
      return is_split;
    }
    [[nodiscard]] std::uint32_t take_value() noexcept { return values_[leaf_++]; }
    /// Steps over the next block with all that is in it.
    void skip() noexcept;

   private:
    const PackedTree* tree_;
    // Plain pointers: a tree has as many blocks and leaves as whoever walks it right meets, and a check a
    // step costs a third.
    const std::uint64_t* shape_;
    const std::uint32_t* values_;
    std::size_t block_ = 0;
    std::size_t leaf_ = 0;
  };

 private:
  friend class PackedTreeBuilder;
  /// Blocks in one stride of the preorder: what skip() passes over at once.
  static constexpr std::size_t kStride = 512;
  /// What a stride does to the number of blocks that are still to come below the block it began in.
  struct Stride {
    std::int16_t change = 0;
    std::int16_t lowest = 0;  ///< that the change ever is on the way
    std::uint32_t leaves = 0;
  };

  PackedTree(base::Family family, base::LargeVector<std::uint64_t> shape, std::size_t block_count,
             base::LargeVector<std::uint32_t> values);

  base::Family family_;
  base::LargeVector<std::uint64_t> shape_;
  base::LargeVector<std::uint32_t> values_;
  std::vector<Stride> strides_;  ///< whole ones
};

/// Builds a canonical tree while its blocks are visited in preorder, as PrefixTreeBuilder does: open() at a
/// block that is split, then its first half, its second half, then close(); leaf() at one that is not.
class PackedTreeBuilder {
 public:
  /// A block that is complete.
  struct Block {
    bool is_leaf = false;
    std::uint32_t value = 0;  ///< of a leaf
  };
  /// A block that is open.
  struct Slot {
    std::size_t block = 0;
    std::size_t leaf = 0;  ///< its first
  };

  /// Room for `leaves_max` leaves, which is an upper bound, is set aside; what is never written to costs
  /// next to nothing.
  PackedTreeBuilder(base::Family family, std::size_t leaves_max);

  [[nodiscard]] Slot open() noexcept {
    const Slot slot{block_count_, values_.size()};
    shape_[block_count_ / 64] |= std::uint64_t{1} << (block_count_ % 64);
    ++block_count_;
    return slot;
  }
  [[nodiscard]] Block leaf(std::uint32_t value) {
    // What close() took back may still stand there.
    shape_[block_count_ / 64] &= ~(std::uint64_t{1} << (block_count_ % 64));
    ++block_count_;
    values_.push_back(value);
    return {true, value};
  }
  /// The block with these halves: a leaf when they are equal or one of them melts (kMelts), else split.
  [[nodiscard]] Block close(Slot slot, Block first, Block second) {
    if (first.is_leaf && second.is_leaf) return close_leaves(slot, first, second);
    // Beside a split sibling: its leaf next to us, so that the value changes nowhere but where it must.
    if (first.is_leaf && first.value == kMelts) values_[slot.leaf] = values_[slot.leaf + 1];
    if (second.is_leaf && second.value == kMelts) values_.back() = values_[values_.size() - 2];
    return {};
  }
  /// The leaves' values in address order, which may be changed before finish(). Where neighbours become equal
  /// by that the tree is canonical no more.
  [[nodiscard]] std::span<std::uint32_t> values() noexcept { return values_; }
  /// A root that melted as a whole has the value 0.
  [[nodiscard]] PackedTree finish(Block root) &&;

 private:
  [[nodiscard]] Block close_leaves(Slot slot, Block first, Block second) {
    const bool first_melts = first.value == kMelts;
    if (first.value != second.value && !first_melts && second.value != kMelts) return {};
    MERIDIAN_DEBUG_ASSERT(block_count_ == slot.block + 3);
    block_count_ = slot.block;
    values_.resize(slot.leaf);
    return leaf(first_melts ? second.value : first.value);
  }

  base::Family family_;
  base::LargeVector<std::uint64_t> shape_;  ///< as long as the largest tree needs
  std::size_t block_count_ = 0;
  base::LargeVector<std::uint32_t> values_;
};

}  // namespace meridian::geo

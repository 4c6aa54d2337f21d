// Walks several trees of one family at once: every block in which none of them changes, exactly once, in
// address order.
//
// What is made of the blocks is the caller's: combine() folds them into a new tree, src/plan only counts.
// Used while compiling and by tools, never per query.
#pragma once

#include "base/assert.hpp"
#include "base/ip.hpp"
#include "base/limits.hpp"
#include "geo/packed_tree.hpp"
#include "geo/prefix_tree.hpp"
#include "geo/tree_block.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace meridian::geo {

/// A tree of either form, which outlives the view.
class TreeView {
 public:
  TreeView(const PrefixTree* tree) noexcept : prefixes_(tree) {}  // NOLINT(google-explicit-constructor)
  TreeView(const PackedTree* tree) noexcept : packed_(tree) {}    // NOLINT(google-explicit-constructor)

  [[nodiscard]] base::Family family() const noexcept {
    return packed_ != nullptr ? packed_->family() : prefixes_->family();
  }
  [[nodiscard]] std::size_t node_count() const noexcept {
    return packed_ != nullptr ? packed_->node_count() : prefixes_->node_count();
  }
  [[nodiscard]] const PrefixTree* prefixes() const noexcept { return prefixes_; }
  [[nodiscard]] const PackedTree* packed() const noexcept { return packed_; }

  /// Views of one and the same tree.
  friend bool operator==(const TreeView&, const TreeView&) = default;

 private:
  const PrefixTree* prefixes_ = nullptr;
  const PackedTree* packed_ = nullptr;
};

/// Where one tree stands in a walk.
struct TreeState {
  bool is_leaf = true;
  std::uint32_t value = 0;  ///< of a leaf
};

/// Meets a tree's blocks in preorder.
class TreeCursor {
 public:
  explicit TreeCursor(TreeView tree) noexcept : tree_(tree), packed_(packed_or_none(tree)) {
    if (tree.prefixes() != nullptr) stack_[stack_size_++] = tree.prefixes()->root();
  }

  [[nodiscard]] TreeState next() noexcept {
    if (tree_.packed() != nullptr) {
      if (packed_.next_is_split()) return {false, 0};
      return {true, packed_.take_value()};
    }
    const auto link = stack_[--stack_size_];
    if (link.is_leaf()) return {true, link.value()};
    const auto& node = tree_.prefixes()->node(link);
    stack_[stack_size_++] = node[1];
    stack_[stack_size_++] = node[0];
    return {false, 0};
  }

  /// nullptr for a PrefixTree.
  [[nodiscard]] PackedTree::Cursor* packed() noexcept {
    return tree_.packed() != nullptr ? &packed_ : nullptr;
  }

  /// Steps over the next block with all that is in it.
  void skip() noexcept {
    if (tree_.packed() != nullptr) return packed_.skip();
    --stack_size_;
  }

 private:
  static const PackedTree& none() noexcept {
    static const PackedTree tree(base::Family::V4, 0);
    return tree;
  }
  static PackedTree::Cursor packed_or_none(TreeView tree) noexcept {
    return PackedTree::Cursor(tree.packed() != nullptr ? *tree.packed() : none());
  }

  TreeView tree_;
  PackedTree::Cursor packed_;
  /// What is still to come of a PrefixTree: on the way down one sibling a bit, and the block itself.
  std::array<PrefixTree::Link, 130> stack_ = filled();
  std::size_t stack_size_ = 0;

  static constexpr std::array<PrefixTree::Link, 130> filled() noexcept {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<PrefixTree::Link, 130>{((void)I, PrefixTree::Link::leaf(0))...};
    }
    (std::make_index_sequence<130>{});
  }
};

/// Where all trees stand in a block: each of them ends there with a value, or is split.
class TreeStates {
 public:
  TreeStates(std::span<const std::uint32_t> values, std::span<const std::uint32_t> split) noexcept
      : values_(values), split_(split) {}

  [[nodiscard]] bool is_leaf(std::size_t tree) const noexcept {
    return std::find(split_.begin(), split_.end(), tree) == split_.end();
  }
  /// Of a tree that is a leaf here.
  [[nodiscard]] std::uint32_t value(std::size_t tree) const noexcept { return values_[tree]; }

 private:
  std::span<const std::uint32_t> values_;
  std::span<const std::uint32_t> split_;
};

/// A Fold has
///   using Result = …;
///   Result leaf(std::span<const std::uint32_t> values, const TreeBlock& block);
///   Slot open();                                                     before the halves of a block
///   Result close(Slot, Result first, Result second);                 after them
/// and may have
///   std::optional<Result> skip(const TreeStates& states);            before open(): all below is left out
/// skip() must not depend on the value or the shape of a tree that is split there.
template <typename Fold>
class LockStep {
 public:
  using Result = typename Fold::Result;

  /// At least one tree, all of one family.
  LockStep(std::span<const TreeView> trees, Fold& fold)
      : fold_(fold),
        family_(trees.front().family()),
        values_(trees.size()),
        split_(trees.size() * (base::address_bits(trees.front().family()) + std::size_t{1})) {
    for (const auto& tree : trees) {
      MERIDIAN_ASSERT(tree.family() == trees.front().family());
      cursors_.emplace_back(tree);
    }
  }

  /// To be called once.
  Result run() {
    std::uint32_t split_count = 0;
    for (std::uint32_t i = 0; i < cursors_.size(); ++i) split_count += step(i, 0, split_count);
    return descend(0, 0, 0, split_count);
  }

 private:
  // At most 128 deep: the trees end there. `high` and `low` are the block's address, as in TreeBlock. A tree
  // that ends above is not touched on the way down: its value stands.
  Result descend(std::uint64_t high, std::uint64_t low, unsigned depth, std::uint32_t split_count) {
    if (split_count == 0) return leaf(high, low, depth);
    const auto* const split = row(depth);
    if constexpr (requires(const TreeStates& states) { fold_.skip(states); }) {
      if (const auto skipped = fold_.skip(TreeStates(values_, {split, split_count}))) {
        for (std::uint32_t i = 0; i < split_count; ++i) {
          cursors_[split[i]].skip();
          cursors_[split[i]].skip();
        }
        return *skipped;
      }
    }
    if (split_count == 1) {
      auto& value = values_[*split];
      auto& cursor = cursors_[*split];
      auto* const packed = cursor.packed();
      return packed != nullptr ? open_alone(*packed, value, high, low, depth)
                               : open_alone(cursor, value, high, low, depth);
    }
    const auto slot = fold_.open();
    const Result first = descend_half(high, low, depth, split_count);
    const Result second = descend_half(high | high_bit(depth), low | low_bit(depth), depth, split_count);
    return fold_.close(slot, first, second);
  }

  Result descend_half(std::uint64_t high, std::uint64_t low, unsigned depth, std::uint32_t split_above) {
    const auto* const above = row(depth);
    std::uint32_t split_count = 0;
    for (std::uint32_t i = 0; i < split_above; ++i) split_count += step(above[i], depth + 1, split_count);
    return descend(high, low, depth + 1, split_count);
  }

  // Moves one tree to its next block: 1 and a note at `at` of the depth's row when that is split.
  std::uint32_t step(std::uint32_t tree, unsigned depth, std::uint32_t at) {
    const TreeState state = cursors_[tree].next();
    if (state.is_leaf) {
      values_[tree] = state.value;
      return 0;
    }
    row(depth)[at] = tree;
    return 1;
  }

  [[nodiscard]] std::uint32_t* row(unsigned depth) noexcept { return &split_[depth * cursors_.size()]; }

  // Where one tree goes on alone, which is nearly everywhere: nothing to copy for the others.
  template <typename Cursor>
  Result open_alone(Cursor& cursor, std::uint32_t& value, std::uint64_t high, std::uint64_t low,
                    unsigned depth) {
    const auto slot = fold_.open();
    const Result first = descend_alone(cursor, value, high, low, depth + 1);
    const Result second =
        descend_alone(cursor, value, high | high_bit(depth), low | low_bit(depth), depth + 1);
    return fold_.close(slot, first, second);
  }

  template <typename Cursor>
  Result descend_alone(Cursor& cursor, std::uint32_t& value, std::uint64_t high, std::uint64_t low,
                       unsigned depth) {
    if constexpr (std::is_same_v<Cursor, PackedTree::Cursor>) {
      if (cursor.next_is_split()) return open_alone(cursor, value, high, low, depth);
      value = cursor.take_value();
    } else {
      const TreeState at = cursor.next();
      if (!at.is_leaf) return open_alone(cursor, value, high, low, depth);
      value = at.value;
    }
    return leaf(high, low, depth);
  }

  Result leaf(std::uint64_t high, std::uint64_t low, unsigned depth) {
    return fold_.leaf(std::span<const std::uint32_t>{values_},
                      TreeBlock{family_, static_cast<std::uint8_t>(depth), high, low});
  }

  Fold& fold_;
  base::Family family_;
  std::vector<TreeCursor> cursors_;
  std::vector<std::uint32_t> values_;  ///< of the trees that end here or above
  std::vector<std::uint32_t> split_;   ///< one row a depth: the trees that are split there, in order
};

/// Builds the canonical tree of `value_of(values, block)`, called in address order, once for each largest
/// block in which no tree changes. `values[i]` is what trees[i] holds for the block; what value_of gives is
/// at most limits::kTrieValueMax, or kMelts. A melted block takes the value of its sibling block, at the edge
/// that touches it. O(sum of nodes).
template <typename ValueOf>
[[nodiscard]] PrefixTree combine(std::span<const TreeView> trees, ValueOf value_of) {
  MERIDIAN_ASSERT(!trees.empty());
  struct Fold {
    using Result = PrefixTree::Link;
    PrefixTreeBuilder builder;
    ValueOf& value_of;

    Result leaf(std::span<const std::uint32_t> values, const TreeBlock& block) {
      const std::uint32_t value = value_of(values, block);
      MERIDIAN_ASSERT(value <= base::limits::kTrieValueMax || value == kMelts);
      return PrefixTree::Link::leaf(value);
    }
    std::uint32_t open() { return builder.open(); }
    Result close(std::uint32_t slot, Result first, Result second) {
      return builder.close(slot, first, second);
    }
  };
  Fold fold{PrefixTreeBuilder(trees.front().family()), value_of};
  const auto root = LockStep<Fold>(trees, fold).run();
  return std::move(fold.builder).finish(root);
}

}  // namespace meridian::geo

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

/// A Fold has
///   using Result = …;
///   Result leaf(std::span<const std::uint32_t> values, const TreeBlock& block);
///   Slot open();                                                     before the halves of a block
///   Result close(Slot, Result first, Result second);                 after them
/// and may have
///   std::optional<Result> skip(std::span<const TreeState> states);   before open(): all below is left out
/// skip() must not depend on the value or the shape of a tree that is split there.
template <typename Fold>
class LockStep {
 public:
  using Result = typename Fold::Result;

  /// At least one tree, all of one family.
  LockStep(std::span<const TreeView> trees, Fold& fold)
      : fold_(fold),
        family_(trees.front().family()),
        count_(trees.size()),
        values_(trees.size()),
        states_(trees.size() * (base::address_bits(trees.front().family()) + std::size_t{1})) {
    for (const auto& tree : trees) {
      MERIDIAN_ASSERT(tree.family() == trees.front().family());
      cursors_.emplace_back(tree);
    }
  }

  /// To be called once.
  Result run() {
    for (std::size_t i = 0; i < count_; ++i) states_[i] = cursors_[i].next();
    return descend(0, 0, 0);
  }

 private:
  // At most 128 deep: the trees end there. `high` and `low` are the block's address, as in TreeBlock.
  Result descend(std::uint64_t high, std::uint64_t low, unsigned depth) {
    const std::span<const TreeState> here{&states_[depth * count_], count_};
    std::size_t split_count = 0;
    std::size_t last_split = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (here[i].is_leaf) {
        values_[i] = here[i].value;
      } else {
        ++split_count;
        last_split = i;
      }
    }
    if (split_count == 0) return leaf(high, low, depth);
    if constexpr (requires { fold_.skip(here); }) {
      if (const auto skipped = fold_.skip(here)) {
        for (std::size_t i = 0; i < count_; ++i) {
          if (here[i].is_leaf) continue;
          cursors_[i].skip();
          cursors_[i].skip();
        }
        return *skipped;
      }
    }
    if (split_count == 1) {
      auto& value = values_[last_split];
      auto* const packed = cursors_[last_split].packed();
      return packed != nullptr ? open_alone(*packed, value, high, low, depth)
                               : open_alone(cursors_[last_split], value, high, low, depth);
    }
    const auto slot = fold_.open();
    const Result first = descend_half(high, low, depth);
    const Result second = descend_half(high | high_bit(depth), low | low_bit(depth), depth);
    return fold_.close(slot, first, second);
  }

  Result descend_half(std::uint64_t high, std::uint64_t low, unsigned depth) {
    for (std::size_t i = 0; i < count_; ++i) {
      const auto above = states_[depth * count_ + i];
      states_[(depth + std::size_t{1}) * count_ + i] = above.is_leaf ? above : cursors_[i].next();
    }
    return descend(high, low, depth + 1);
  }

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
  std::size_t count_;
  std::vector<TreeCursor> cursors_;
  std::vector<std::uint32_t> values_;
  std::vector<TreeState> states_;  ///< one row a depth
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

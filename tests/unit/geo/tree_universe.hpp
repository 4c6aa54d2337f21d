// What the tests of trees share: networks at random in a small universe, and what a canonical tree over it
// must be.
#pragma once

#include "base/random.hpp"
#include "geo/packed_tree.hpp"
#include "geo/prefix_tree.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace meridian::geo {

using base::Family;
using base::IpAddress;
using base::IpPrefix;
using Networks = std::vector<std::pair<IpPrefix, std::uint32_t>>;

/// Properties are checked on every address of a universe of 2^10 blocks; what lies below a block is one.
inline constexpr unsigned kUniverseBits = 10;
inline constexpr unsigned kUniverse = 1u << kUniverseBits;

inline IpPrefix prefix(const std::string& text) { return base::parse_ip_prefix(text).value(); }
inline IpAddress address(const std::string& text) { return base::parse_ip_address(text).value(); }

/// The first address of block `index` of 2^bits.
inline IpAddress block_address(Family family, unsigned index, unsigned bits) {
  IpAddress result{family, {}};
  for (unsigned i = 0; i < bits; ++i) {
    if ((index >> (bits - 1 - i) & 1) != 0) {
      result.bytes[i / 8] = static_cast<std::uint8_t>(result.bytes[i / 8] | 0x80 >> (i % 8));
    }
  }
  return result;
}

inline Networks random_networks(base::Random& random, Family family, std::uint32_t count,
                                std::uint32_t values) {
  Networks networks;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto bits = random.below(kUniverseBits + 1);
    const IpAddress start = block_address(family, random.below(1u << bits), bits);
    networks.emplace_back(IpPrefix{start, static_cast<std::uint8_t>(bits)}, random.below(values));
  }
  return networks;
}

inline PackedTreeBuilder::Block pack_block(const PrefixTree& tree, PrefixTree::Link link,
                                           PackedTreeBuilder& builder) {
  if (link.is_leaf()) return builder.leaf(link.value());
  const auto slot = builder.open();
  const auto first = pack_block(tree, tree.node(link)[0], builder);
  const auto second = pack_block(tree, tree.node(link)[1], builder);
  return builder.close(slot, first, second);
}

/// The same tree in the other form.
inline PackedTree pack(const PrefixTree& tree) {
  PackedTreeBuilder builder(tree.family(), tree.leaf_count());
  const auto root = pack_block(tree, tree.root(), builder);
  return std::move(builder).finish(root);
}

using Values = std::array<std::uint32_t, kUniverse>;

/// How many bits the largest block around `index` has in which all values are one, kMelts fitting anywhere.
/// nullopt: nothing in the whole universe is known, or index itself melts.
inline std::optional<unsigned> expected_depth(const Values& values, unsigned index) {
  if (values[index] == kMelts) return std::nullopt;
  unsigned depth = kUniverseBits;
  while (depth > 0) {
    const unsigned size = kUniverse >> (depth - 1);
    const auto first = values.begin() + (index - index % size);
    const bool uniform =
        std::all_of(first, first + size, [&](std::uint32_t v) { return v == values[index] || v == kMelts; });
    if (!uniform) break;
    --depth;
  }
  return depth;
}

/// Soundness and maximality at every address, and that the nodes are exactly those of the minimal tree.
template <typename Tree>
void check_against(const Tree& tree, const Values& values) {
  for (unsigned index = 0; index < kUniverse; ++index) {
    const Leaf leaf = tree.lookup(block_address(tree.family(), index, kUniverseBits));
    const auto depth = expected_depth(values, index);
    if (!depth) continue;
    REQUIRE(leaf.value == values[index]);
    REQUIRE(leaf.depth == *depth);
  }
}

template <typename Tree>
void check_canonical(const Tree& tree) {
  std::vector<std::pair<IpPrefix, std::uint32_t>> leaves;
  tree.for_each_leaf([&](const IpPrefix& block, std::uint32_t value) { leaves.emplace_back(block, value); });
  REQUIRE(leaves.size() == tree.leaf_count());
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const auto& [block, value] = leaves[i];
    REQUIRE(value != kMelts);
    REQUIRE(tree.lookup(block.address) == Leaf{value, block.bits});
    REQUIRE(tree.lookup(base::last_address(block)) == Leaf{value, block.bits});
    if (i == 0 || block.bits == 0) continue;
    const auto& [before, value_before] = leaves[i - 1];
    const auto parent = static_cast<std::uint8_t>(block.bits - 1);
    const bool siblings = before.bits == block.bits &&
                          base::masked(before.address, parent) == base::masked(block.address, parent);
    if (siblings) REQUIRE(value != value_before);
  }
}

}  // namespace meridian::geo

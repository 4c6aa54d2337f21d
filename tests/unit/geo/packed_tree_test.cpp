#include "geo/packed_tree.hpp"

#include "base/random.hpp"
#include "unit/geo/tree_universe.hpp"

#include <doctest/doctest.h>

#include <array>
#include <span>
#include <string>
#include <vector>

namespace meridian::geo {
namespace {

/// The tree of 2^10 blocks with these values, built from its smallest blocks up.
PackedTreeBuilder::Block build_block(PackedTreeBuilder& builder, std::span<const std::uint32_t> values) {
  if (values.size() == 1) return builder.leaf(values[0]);
  const auto slot = builder.open();
  const auto first = build_block(builder, values.first(values.size() / 2));
  const auto second = build_block(builder, values.subspan(values.size() / 2));
  return builder.close(slot, first, second);
}

PackedTree build(Family family, std::span<const std::uint32_t> values) {
  PackedTreeBuilder builder(family, values.size());
  const auto root = build_block(builder, values);
  return std::move(builder).finish(root);
}

/// Networks of any length.
Networks scattered_networks(base::Random& random, Family family, std::size_t count) {
  Networks networks;
  for (std::size_t i = 0; i < count; ++i) {
    IpAddress start{family, {}};
    for (std::size_t byte = 0; byte < base::address_bits(family) / 8u; ++byte)
      start.bytes[byte] = static_cast<std::uint8_t>(random.next());
    const auto bits = static_cast<std::uint8_t>(1 + random.below(base::address_bits(family)));
    networks.emplace_back(IpPrefix{base::masked(start, bits), bits}, random.below(1'000));
  }
  return networks;
}

}  // namespace

TEST_SUITE("geo/packed_tree") {
  TEST_CASE("every address has its value, in the largest block that has it") {
    base::Random random(1);
    for (int round = 0; round < 100; ++round) {
      CAPTURE(round);
      const Family family = round % 2 == 0 ? Family::V4 : Family::V6;
      Values values{};
      // Runs of equal values, so that blocks of every size come up.
      std::uint32_t value = 0;
      for (auto& each : values) {
        if (random.below(8) == 0) value = random.below(4) == 0 ? kMelts : random.below(5);
        each = value;
      }
      const auto tree = build(family, values);
      check_against(tree, values);
      check_canonical(tree);
    }
  }

  TEST_CASE("it is the tree that PrefixTree is, also where whole strides are passed over") {
    base::Random random(2);
    for (const Family family : {Family::V4, Family::V6}) {
      const auto tree = build_prefix_tree(family, scattered_networks(random, family, 20'000), 0);
      const auto packed = pack(tree);
      CHECK(packed.leaf_count() == tree.leaf_count());
      CHECK(packed.memory_bytes() * 3 < tree.node_count() * sizeof(PrefixTree::Node) * 2);
      std::vector<std::pair<IpPrefix, std::uint32_t>> leaves;
      packed.for_each_leaf(
          [&](const IpPrefix& block, std::uint32_t value) { leaves.emplace_back(block, value); });
      std::size_t index = 0;
      tree.for_each_leaf([&](const IpPrefix& block, std::uint32_t value) {
        REQUIRE(leaves.at(index++) == std::pair{block, value});
      });
      for (int i = 0; i < 2'000; ++i) {
        const auto& block = leaves[random.below(static_cast<std::uint32_t>(leaves.size()))].first;
        REQUIRE(packed.lookup(block.address) == tree.lookup(block.address));
        REQUIRE(packed.lookup(base::last_address(block)) == tree.lookup(block.address));
      }
    }
  }

  TEST_CASE("skip() stands behind everything that is in the block") {
    base::Random random(3);
    const auto tree = pack(build_prefix_tree(Family::V4, scattered_networks(random, Family::V4, 5'000), 0));
    // Down to the 40 blocks at the left edge of a walk, each skipped on one cursor and walked on another.
    PackedTree::Cursor skipping(tree);
    PackedTree::Cursor walking(tree);
    for (int depth = 0; skipping.next_is_split(); ++depth) {
      REQUIRE(walking.next_is_split());
      PackedTree::Cursor skipped = skipping;
      skipped.skip();
      std::size_t leaves = 0;
      PackedTree::Cursor walked = walking;
      for (std::size_t to_come = 1; to_come > 0;) {
        if (walked.next_is_split()) {
          ++to_come;
        } else {
          static_cast<void>(walked.take_value());
          ++leaves;
          --to_come;
        }
      }
      CAPTURE(depth);
      REQUIRE(leaves > 0);
      // Both are before the second half of the same block.
      REQUIRE(skipped.next_is_split() == walked.next_is_split());
    }
  }

  TEST_CASE("a melting block takes the value that touches it inside its sibling") {
    const std::array<std::uint32_t, 4> first{kMelts, kMelts, 1, 2};
    CHECK(build(Family::V4, first).lookup(address("10.0.0.1")) == Leaf{1, 1});
    const std::array<std::uint32_t, 4> second{1, 2, kMelts, kMelts};
    CHECK(build(Family::V4, second).lookup(address("200.0.0.1")) == Leaf{2, 1});
  }

  TEST_CASE("a family that melts as a whole has the value 0") {
    PackedTreeBuilder builder(Family::V6, 1);
    const auto root = builder.leaf(kMelts);
    const auto tree = std::move(builder).finish(root);
    CHECK(tree.lookup(address("2001:db8::1")) == Leaf{0, 0});
    CHECK(PackedTree(Family::V6, 7).lookup(address("2001:db8::1")) == Leaf{7, 0});
  }
}

}  // namespace meridian::geo

#include "geo/lock_step.hpp"

#include "base/random.hpp"
#include "unit/geo/tree_universe.hpp"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace meridian::geo {
namespace {

/// A fold that writes down what it is told, and leaves out blocks where the first tree ends with `skipped`.
struct Notes {
  using Result = int;
  std::uint32_t skipped = 0;
  std::string text;

  int leaf(std::span<const std::uint32_t> values, const IpPrefix& block) {
    text += base::to_string(block);
    for (const auto value : values) text += ' ' + std::to_string(value);
    text += '\n';
    return 1;
  }
  int open() { return 0; }
  int close(int, int first, int second) { return first + second; }
  std::optional<int> skip(std::span<const TreeState> states) {
    if (states[0].is_leaf && states[0].value == skipped) return 0;
    return std::nullopt;
  }
};

}  // namespace

TEST_SUITE("geo/lock_step") {
  TEST_CASE("what is skipped is left out whole, in trees of both forms") {
    const auto first = build_prefix_tree(Family::V4, Networks{{prefix("64.0.0.0/2"), 7}}, 0);
    const auto second = build_prefix_tree(
        Family::V4, Networks{{prefix("0.0.0.0/3"), 1}, {prefix("64.0.0.0/4"), 2}, {prefix("96.0.0.0/5"), 3}},
        9);
    const auto packed = pack(second);
    const std::array<TreeView, 3> trees{&first, &second, &packed};
    Notes notes{.skipped = 7, .text = {}};
    CHECK(LockStep(std::span<const TreeView>{trees}, notes).run() == 3);
    CHECK(notes.text == "0.0.0.0/3 0 1 1\n32.0.0.0/3 0 9 9\n128.0.0.0/1 0 9 9\n");
  }

  TEST_CASE("combined trees agree with a function of each tree's value") {
    base::Random random(3);
    for (int round = 0; round < 200; ++round) {
      CAPTURE(round);
      const Family family = round % 2 == 0 ? Family::V4 : Family::V6;
      std::vector<PrefixTree> trees;
      for (int i = 0; i < 3; ++i) {
        trees.push_back(build_prefix_tree(family, random_networks(random, family, random.below(25), 3), 0));
      }
      const auto packed = pack(trees[1]);
      const std::array<TreeView, 3> pointers{&trees[0], &packed, &trees[2]};
      const auto value_of = [](std::span<const std::uint32_t> v) { return (v[0] + 2 * v[1] + 4 * v[2]) % 5; };
      std::size_t calls = 0;
      const auto combined =
          combine(pointers, [&](std::span<const std::uint32_t> values, const IpPrefix& block) {
            ++calls;
            for (std::size_t i = 0; i < 3; ++i) REQUIRE(trees[i].lookup(block.address).depth <= block.bits);
            return value_of(values);
          });
      CHECK(calls >= combined.leaf_count());
      Values values{};
      for (unsigned i = 0; i < kUniverse; ++i) {
        const auto at = block_address(family, i, kUniverseBits);
        const std::array<std::uint32_t, 3> each{trees[0].lookup(at).value, trees[1].lookup(at).value,
                                                trees[2].lookup(at).value};
        values[i] = value_of(each);
      }
      check_against(combined, values);
      check_canonical(combined);
    }
  }

  TEST_CASE("the function is asked once for each largest block in which no tree changes") {
    const auto first = build_prefix_tree(Family::V4, Networks{{prefix("0.0.0.0/1"), 1}}, 0);
    const auto second = build_prefix_tree(Family::V4, Networks{{prefix("128.0.0.0/2"), 5}}, 0);
    const std::array<TreeView, 2> trees{&first, &second};
    std::vector<std::string> asked;
    const auto combined = combine(trees, [&](std::span<const std::uint32_t> values, const IpPrefix& block) {
      asked.push_back(base::to_string(block) + " " + std::to_string(values[0]) + " " +
                      std::to_string(values[1]));
      return values[0] + values[1];
    });
    CHECK(asked == std::vector<std::string>{"0.0.0.0/1 1 0", "128.0.0.0/2 0 5", "192.0.0.0/2 0 0"});
    CHECK(combined.leaf_count() == 3);
  }

  TEST_CASE("melting blocks never narrow a neighbour and never stay") {
    base::Random random(4);
    for (int round = 0; round < 300; ++round) {
      CAPTURE(round);
      const auto tree =
          build_prefix_tree(Family::V4, random_networks(random, Family::V4, random.below(60), 4), 0);
      const std::array<TreeView, 1> trees{&tree};
      const auto value_of = [](std::uint32_t value) { return value == 3 ? kMelts : value; };
      const auto melted =
          combine(trees, [&](std::span<const std::uint32_t> v, const IpPrefix&) { return value_of(v[0]); });
      Values values{};
      for (unsigned i = 0; i < kUniverse; ++i)
        values[i] = value_of(tree.lookup(block_address(Family::V4, i, kUniverseBits)).value);
      check_against(melted, values);
      check_canonical(melted);
    }
  }

  TEST_CASE("a melting block takes the value that touches it inside its sibling") {
    // 0/2 melts beside 64/2, which is split at 96/3.
    const Networks networks = {
        {prefix("0.0.0.0/2"), 9}, {prefix("64.0.0.0/3"), 1}, {prefix("96.0.0.0/3"), 2}};
    const auto tree = build_prefix_tree(Family::V4, networks, 4);
    const std::array<TreeView, 1> trees{&tree};
    const auto melted = combine(
        trees, [](std::span<const std::uint32_t> v, const IpPrefix&) { return v[0] == 9 ? kMelts : v[0]; });
    CHECK(melted.lookup(address("10.0.0.1")) == Leaf{1, 2});
    CHECK(melted.lookup(address("64.0.0.1")) == Leaf{1, 3});
    CHECK(melted.lookup(address("128.0.0.1")) == Leaf{4, 1});
  }

  TEST_CASE("a family that melts as a whole has the value 0") {
    const PrefixTree tree(Family::V6, 5);
    const std::array<TreeView, 1> trees{&tree};
    const auto melted =
        combine(trees, [](std::span<const std::uint32_t>, const IpPrefix&) { return kMelts; });
    CHECK(melted.lookup(address("2001:db8::1")) == Leaf{0, 0});
  }
}

}  // namespace meridian::geo

#include "geo/prefix_tree.hpp"

#include "base/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace meridian::geo {
namespace {

using base::Family;
using base::IpAddress;
using base::IpPrefix;
using Networks = std::vector<std::pair<IpPrefix, std::uint32_t>>;

/// Properties are checked on every address of a universe of 2^10 blocks; what lies below a block is one.
constexpr unsigned kUniverseBits = 10;
constexpr unsigned kUniverse = 1u << kUniverseBits;

IpPrefix prefix(const std::string& text) { return base::parse_ip_prefix(text).value(); }
IpAddress address(const std::string& text) { return base::parse_ip_address(text).value(); }

/// The first address of block `index` of 2^bits.
IpAddress block_address(Family family, unsigned index, unsigned bits) {
  IpAddress result{family, {}};
  for (unsigned i = 0; i < bits; ++i) {
    if ((index >> (bits - 1 - i) & 1) != 0) {
      result.bytes[i / 8] = static_cast<std::uint8_t>(result.bytes[i / 8] | 0x80 >> (i % 8));
    }
  }
  return result;
}

Networks random_networks(base::Random& random, Family family, std::uint32_t count, std::uint32_t values) {
  Networks networks;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto bits = random.below(kUniverseBits + 1);
    const IpAddress start = block_address(family, random.below(1u << bits), bits);
    networks.emplace_back(IpPrefix{start, static_cast<std::uint8_t>(bits)}, random.below(values));
  }
  return networks;
}

std::uint32_t brute_force(const Networks& networks, const IpAddress& wanted, std::uint32_t otherwise) {
  int longest = -1;
  std::uint32_t value = otherwise;
  for (const auto& [network, candidate] : networks) {
    if (network.contains(wanted) && network.bits >= longest) {
      longest = network.bits;
      value = candidate;
    }
  }
  return value;
}

using Values = std::array<std::uint32_t, kUniverse>;

/// How many bits the largest block around `index` has in which all values are one, kMelts fitting anywhere.
/// nullopt: nothing in the whole universe is known, or index itself melts.
std::optional<unsigned> expected_depth(const Values& values, unsigned index) {
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
void check_against(const PrefixTree& tree, const Values& values) {
  for (unsigned index = 0; index < kUniverse; ++index) {
    const Leaf leaf = tree.lookup(block_address(tree.family(), index, kUniverseBits));
    const auto depth = expected_depth(values, index);
    if (!depth) continue;
    REQUIRE(leaf.value == values[index]);
    REQUIRE(leaf.depth == *depth);
  }
}

void check_canonical(const PrefixTree& tree) {
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

}  // namespace

TEST_SUITE("geo/prefix_tree") {
  TEST_CASE("a tree of one value answers every address at depth 0") {
    const PrefixTree tree(Family::V4, 7);
    CHECK(tree.lookup(address("203.0.113.7")) == Leaf{7, 0});
    CHECK(tree.leaf_count() == 1);
    CHECK(tree.node_count() == 0);
  }

  TEST_CASE("the longest network wins whatever the order") {
    const Networks networks = {
        {prefix("10.1.2.0/24"), 3}, {prefix("10.0.0.0/8"), 1}, {prefix("10.1.0.0/16"), 2}};
    const auto tree = build_prefix_tree(Family::V4, networks, 0);
    CHECK(tree.lookup(address("10.1.2.3")) == Leaf{3, 24});
    CHECK(tree.lookup(address("10.1.3.3")) == Leaf{2, 24});
    CHECK(tree.lookup(address("10.200.0.1")) == Leaf{1, 9});
    CHECK(tree.lookup(address("11.0.0.0")) == Leaf{0, 8});
  }

  TEST_CASE("the last insertion of one network wins") {
    const Networks networks = {{prefix("10.0.0.0/8"), 1}, {prefix("10.0.0.0/8"), 2}};
    CHECK(build_prefix_tree(Family::V4, networks, 0).lookup(address("10.0.0.1")) == Leaf{2, 8});
  }

  TEST_CASE("a network that says what its surroundings say leaves no trace") {
    const Networks networks = {{prefix("2001:db8::/32"), 1}, {prefix("2001:db8:77::/48"), 1}};
    const auto tree = build_prefix_tree(Family::V6, networks, 0);
    CHECK(tree.lookup(address("2001:db8:77::1")) == Leaf{1, 32});
    CHECK(tree.leaf_count() == 33);
  }

  TEST_CASE("single addresses reach the full depth of their family") {
    const auto v4 = build_prefix_tree(Family::V4, Networks{{prefix("192.0.2.1/32"), 1}}, 0);
    CHECK(v4.lookup(address("192.0.2.1")) == Leaf{1, 32});
    CHECK(v4.lookup(address("192.0.2.0")) == Leaf{0, 32});
    const auto v6 =
        build_prefix_tree(Family::V6, Networks{{prefix("2001:db8::1"), 1}, {prefix("fd00::1"), 2}}, 0);
    CHECK(v6.lookup(address("2001:db8::1")) == Leaf{1, 128});
    CHECK(v6.lookup(address("2001:db8::")) == Leaf{0, 128});
    CHECK(v6.lookup(address("fd00::1")) == Leaf{2, 128});
    CHECK(v6.lookup(address("::")) == Leaf{0, 3});
  }

  TEST_CASE("built trees agree with the definition at every address") {
    base::Random random(1);
    for (int round = 0; round < 300; ++round) {
      CAPTURE(round);
      const Family family = round % 2 == 0 ? Family::V4 : Family::V6;
      const auto networks = random_networks(random, family, random.below(60), 1 + random.below(4));
      const auto tree = build_prefix_tree(family, networks, 9);
      Values values{};
      for (unsigned i = 0; i < kUniverse; ++i)
        values[i] = brute_force(networks, block_address(family, i, kUniverseBits), 9);
      check_against(tree, values);
      check_canonical(tree);
    }
  }

  TEST_CASE("a tree with a root table answers as its leaves say") {
    base::Random random(2);
    for (const Family family : {Family::V4, Family::V6}) {
      Networks networks;
      for (int i = 0; i < 20'000; ++i) {
        IpAddress start{family, {}};
        for (auto& byte : start.bytes) byte = static_cast<std::uint8_t>(random.next());
        // Half of them in 2000::/3, where the table of IPv6 is.
        if (family == Family::V6 && i % 2 == 0)
          start.bytes[0] = static_cast<std::uint8_t>(0x20 | (start.bytes[0] & 0x1f));
        const auto bits = static_cast<std::uint8_t>(1 + random.below(family == Family::V4 ? 32 : 128));
        networks.emplace_back(IpPrefix{base::masked(start, bits), bits}, random.below(1'000));
        std::fill(networks.back().first.address.bytes.begin() + (family == Family::V4 ? 4 : 16),
                  networks.back().first.address.bytes.end(), std::uint8_t{0});
      }
      const auto tree = build_prefix_tree(family, networks, 0);
      CHECK(tree.memory_bytes() > tree.node_count() * sizeof(PrefixTree::Node) + 1'000);
      check_canonical(tree);
    }
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
      const std::array<const PrefixTree*, 3> pointers{&trees[0], &trees[1], &trees[2]};
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
    const std::array<const PrefixTree*, 2> trees{&first, &second};
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
      const std::array<const PrefixTree*, 1> trees{&tree};
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
    const std::array<const PrefixTree*, 1> trees{&tree};
    const auto melted = combine(
        trees, [](std::span<const std::uint32_t> v, const IpPrefix&) { return v[0] == 9 ? kMelts : v[0]; });
    CHECK(melted.lookup(address("10.0.0.1")) == Leaf{1, 2});
    CHECK(melted.lookup(address("64.0.0.1")) == Leaf{1, 3});
    CHECK(melted.lookup(address("128.0.0.1")) == Leaf{4, 1});
  }

  TEST_CASE("a family that melts as a whole has the value 0") {
    const PrefixTree tree(Family::V6, 5);
    const std::array<const PrefixTree*, 1> trees{&tree};
    const auto melted =
        combine(trees, [](std::span<const std::uint32_t>, const IpPrefix&) { return kMelts; });
    CHECK(melted.lookup(address("2001:db8::1")) == Leaf{0, 0});
  }
}

}  // namespace meridian::geo

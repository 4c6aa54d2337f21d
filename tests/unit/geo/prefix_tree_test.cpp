#include "geo/prefix_tree.hpp"

#include "base/random.hpp"
#include "unit/geo/tree_universe.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace meridian::geo {
namespace {

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

IpAddress address_of_zeros(Family family) { return {family, {}}; }

/// A network inside `within`, of a random length and with a random value.
void add_network(Networks& networks, base::Random& random, const IpPrefix& within, unsigned bits_min,
                 unsigned bits_max = 128) {
  const Family family = within.address.family;
  bits_max = std::min<unsigned>(bits_max, base::address_bits(family));
  const auto bits = static_cast<std::uint8_t>(bits_min + random.below(bits_max - bits_min + 1));
  IpAddress start = within.address;
  for (unsigned i = 0; i < base::address_bits(family) / 8u; ++i) {
    // Of the byte that is partly in `within` the rest.
    const unsigned kept = within.bits > 8 * i ? std::min(8u, within.bits - 8 * i) : 0;
    start.bytes[i] = static_cast<std::uint8_t>(start.bytes[i] | (random.below(256) & (0xffu >> kept)));
  }
  networks.emplace_back(IpPrefix{base::masked(start, bits), bits}, random.below(1'000));
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

  TEST_CASE("a tree with tables answers as its leaves say") {
    base::Random random(2);
    for (const Family family : {Family::V4, Family::V6}) {
      Networks networks;
      for (int i = 0; i < 20'000; ++i) add_network(networks, random, {address_of_zeros(family), 0}, 1);
      const auto tree = build_prefix_tree(family, networks, 0);
      CHECK(tree.memory_bytes() > tree.node_count() * sizeof(PrefixTree::Node) + 1'000);
      check_canonical(tree);
    }
  }

  TEST_CASE("tables below tables, as far down as addresses go, answer as the leaves say") {
    base::Random random(3);
    // So many that the root has the widest table, and crowds that have tables of every width; those of IPv6
    // on both sides of the 64th bit, and across it.
    const std::vector<IpPrefix> crowds[]{
        {prefix("10.0.0.0/8"), prefix("192.0.2.0/24"), prefix("198.51.100.0/25")},
        {prefix("2001:db8::/32"), prefix("2001:db8:1::/48"), prefix("fd00:1:2:30::/60"),
         prefix("2001:db8:2:3::/64"), prefix("2001:db8:2:4:5::/80"), prefix("2001:db8::/112")}};
    for (const Family family : {Family::V4, Family::V6}) {
      Networks networks;
      for (int i = 0; i < 10'000; ++i) add_network(networks, random, {address_of_zeros(family), 0}, 17);
      for (const auto& crowd : crowds[family == Family::V4 ? 0 : 1]) {
        const auto bits = static_cast<unsigned>(crowd.bits);
        for (int i = 0; i < 1'000; ++i) add_network(networks, random, crowd, bits + 1, bits + 14);
      }
      const auto tree = build_prefix_tree(family, networks, 0);
      REQUIRE(tree.leaf_count() > 1u << 16);
      check_canonical(tree);
      auto other = tree;
      other.renumber([](std::uint32_t value) { return value + 1; });
      for (const auto& [network, value] : networks) {
        const auto leaf = tree.lookup(network.address);
        REQUIRE(other.lookup(network.address) == Leaf{leaf.value + 1, leaf.depth});
      }
    }
  }
}

}  // namespace meridian::geo

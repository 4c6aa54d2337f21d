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
}

}  // namespace meridian::geo

// A binary trie over the addresses of one family in which every address has exactly one value: what a GeoIP
// file, a list of networks and a compiled map all are here.
//
// The tree is canonical: two sibling leaves never hold the same value, so the leaf a lookup ends in is the
// largest aligned block around the address in which every address has that value, and its depth is the ECS
// scope (RFC 7871 7.2.1). Immutable once built, so any thread may read it. HOT: lookup allocates nothing and
// cannot fail.
#pragma once

#include "base/huge_pages.hpp"
#include "base/ip.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace meridian::geo {

/// What a lookup found: the value and how many bits of the address decided it.
struct Leaf {
  std::uint32_t value = 0;
  std::uint8_t depth = 0;

  friend bool operator==(const Leaf&, const Leaf&) = default;
};

/// The value of a block nobody will ever look up: it melts into its neighbours instead of narrowing their
/// scope. Never in a finished tree.
inline constexpr std::uint32_t kMelts = 0x7fff'ffff;

class PrefixTree {
 public:
  /// A child: a leaf with its value, or the index of a node.
  class Link {
   public:
    static constexpr Link leaf(std::uint32_t value) noexcept { return Link{value | kLeafBit}; }
    static constexpr Link node(std::uint32_t index) noexcept { return Link{index}; }
    [[nodiscard]] constexpr bool is_leaf() const noexcept { return (word_ & kLeafBit) != 0; }
    [[nodiscard]] constexpr std::uint32_t value() const noexcept { return word_ & ~kLeafBit; }
    [[nodiscard]] constexpr std::uint32_t index() const noexcept { return word_; }
    /// As it is stored; any word is some link.
    [[nodiscard]] constexpr std::uint32_t word() const noexcept { return word_; }
    static constexpr Link from_word(std::uint32_t word) noexcept { return Link{word}; }
    friend bool operator==(Link, Link) = default;

   private:
    static constexpr std::uint32_t kLeafBit = 0x8000'0000;
    explicit constexpr Link(std::uint32_t word) noexcept : word_(word) {}
    std::uint32_t word_;
  };
  using Node = std::array<Link, 2>;
  using Nodes = base::LargeVector<Node>;

  /// One leaf with `value` over the whole family.
  PrefixTree(base::Family family, std::uint32_t value);
  /// `nodes` in preorder and canonical, as PrefixTreeBuilder makes them; `root` may be a leaf.
  PrefixTree(base::Family family, Link root, Nodes nodes);
  /// The same from a file: nullopt unless it is such a tree, no deeper than the family's addresses, with
  /// every value below `value_end`.
  [[nodiscard]] static std::optional<PrefixTree> from_stored(base::Family family, Link root, Nodes nodes,
                                                             std::uint32_t value_end);

  /// HOT. The address must be of the tree's family.
  [[nodiscard]] Leaf lookup(const base::IpAddress& address) const noexcept;
  /// HOT. Fetches into the cache what lookup(address) will read first. Same condition.
  void fetch_ahead(const base::IpAddress& address) const noexcept;
  /// HOT. Some time after fetch_ahead(address): the same for what lookup(address) will read next.
  void fetch_further_ahead(const base::IpAddress& address) const noexcept;

  [[nodiscard]] base::Family family() const noexcept { return family_; }
  [[nodiscard]] Link root() const noexcept { return root_; }
  [[nodiscard]] const Node& node(Link link) const noexcept { return nodes_[link.index()]; }
  /// In preorder.
  [[nodiscard]] std::span<const Node> nodes() const noexcept { return nodes_; }
  [[nodiscard]] std::size_t node_count() const noexcept { return nodes_.size(); }
  [[nodiscard]] std::size_t leaf_count() const noexcept { return nodes_.size() + 1; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

  /// Gives every leaf with value v the value `number_of(v)`, which differs for different values and is at
  /// most limits::kTrieValueMax. For whoever builds the tree.
  template <typename NumberOf>
  void renumber(NumberOf number_of) {
    const auto change = [&](Link& link) {
      if (link.is_leaf()) link = Link::leaf(number_of(link.value()));
    };
    change(root_);
    for (auto& node : nodes_) {
      change(node[0]);
      change(node[1]);
    }
    change(start_.link);
    for (auto& place : tables_) change(place.link);
  }

  /// Every leaf with its block, in address order.
  void for_each_leaf(const std::function<void(const base::IpPrefix&, std::uint32_t value)>& visit) const;

 private:
  /// Where a walk stands.
  struct Place {
    Link link = Link::leaf(0);
    std::uint8_t depth = 0;
    /// Not 0: a table answers the next 64 - so many bits at once, and the link is where in `tables_` it
    /// begins.
    std::uint8_t table_shift = 0;
  };
  /// A node and the end of those below it.
  struct Subtree {
    Link link;
    std::size_t end = 0;
  };
  class TableWriter;

  base::Family family_;
  Link root_;
  Nodes nodes_;
  Place start_;  ///< of every walk
  /// What many nodes stand below of has a table that answers several bits in one step. Empty for a small
  /// tree.
  base::LargeVector<Place> tables_;
};

/// Builds a canonical tree while its blocks are visited in preorder: open() at a block that is split, then
/// its first half, its second half, then close().
class PrefixTreeBuilder {
 public:
  using Link = PrefixTree::Link;

  explicit PrefixTreeBuilder(base::Family family) : family_(family) {}

  /// Takes the next node of the preorder.
  [[nodiscard]] std::uint32_t open();
  /// The block with these halves: a leaf when they are equal or one of them melts, else the node `slot`.
  [[nodiscard]] Link close(std::uint32_t slot, Link first, Link second);
  /// A root that melted as a whole has the value 0.
  [[nodiscard]] PrefixTree finish(Link root) &&;

 private:
  [[nodiscard]] std::uint32_t edge_value(Link link, std::size_t side) const noexcept;

  base::Family family_;
  PrefixTree::Nodes nodes_;
};

/// Networks with values, the longest prefix winning whatever the order of insertion; the last insertion of
/// one and the same prefix wins. Addresses under no network get `otherwise`. kMelts may be a value.
[[nodiscard]] PrefixTree build_prefix_tree(base::Family family,
                                           std::span<const std::pair<base::IpPrefix, std::uint32_t>> networks,
                                           std::uint32_t otherwise);

}  // namespace meridian::geo

#include "geo/prefix_tree.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"

#include <algorithm>
#include <bit>

namespace meridian::geo {
namespace {

using Link = PrefixTree::Link;
using Networks = std::span<const std::pair<base::IpPrefix, std::uint32_t>>;

/// Bits that the table of a subtree answers at once, by its leaves (multibit tries: Srinivasan and Varghese,
/// 1999). A step into memory that is not in the cache costs most, and the first steps are everybody's. The
/// tables of a city database take 5 and 8 MiB, for IPv4 and IPv6, beside 11 of its nodes.
struct TableRule {
  std::size_t leaves_min = 0;
  std::uint8_t bits = 0;
};
constexpr TableRule kRootRule{1u << 16, 16};
constexpr std::array<TableRule, 2> kTableRules{{{192, 8}, {32, 5}}};
/// From here on, 1 MiB, the room of nodes is pages of its own.
constexpr std::size_t kLargeNodeCount = 1u << 17;
void set_bit(base::IpAddress& address, std::uint8_t index, bool value) noexcept {
  auto& byte = address.bytes[index / 8];
  const auto mask = static_cast<std::uint8_t>(0x80 >> (index % 8));
  byte = static_cast<std::uint8_t>(value ? byte | mask : byte & ~mask);
}

base::IpPrefix whole_family(base::Family family) noexcept { return {.address = {family, {}}, .bits = 0}; }

/// Left-aligned: the next bit to decide is always the topmost one.
std::uint64_t first_bits(const base::IpAddress& address) noexcept {
  return address.family == base::Family::V4 ? std::uint64_t{address.v4_word()} << 32 : address.v6_half(0);
}

/// `networks` are those inside the block at `depth`, sorted, without duplicates.
Link build_block(PrefixTreeBuilder& builder, Networks networks, std::uint8_t depth, std::uint32_t inherited) {
  if (!networks.empty() && networks.front().first.bits == depth) {
    inherited = networks.front().second;
    networks = networks.subspan(1);
  }
  if (networks.empty()) return Link::leaf(inherited);

  const auto split = std::partition_point(networks.begin(), networks.end(), [&](const auto& network) {
    return !network.first.address.bit(depth);
  });
  const auto first_count = static_cast<std::size_t>(split - networks.begin());
  const auto next = static_cast<std::uint8_t>(depth + 1);
  const auto slot = builder.open();
  const Link first = build_block(builder, networks.first(first_count), next, inherited);
  const Link second = build_block(builder, networks.subspan(first_count), next, inherited);
  return builder.close(slot, first, second);
}

void visit_leaves(const PrefixTree& tree, Link link, base::IpPrefix& block,
                  const std::function<void(const base::IpPrefix&, std::uint32_t)>& visit) {
  if (link.is_leaf()) {
    visit(block, link.value());
    return;
  }
  const auto bit = block.bits;
  for (const bool side : {false, true}) {
    block.bits = static_cast<std::uint8_t>(bit + 1);
    set_bit(block.address, bit, side);
    visit_leaves(tree, tree.node(link)[side ? 1 : 0], block, visit);
  }
  set_bit(block.address, bit, false);
  block.bits = bit;
}

/// Walks a tree that may be anything and sees whether it is one.
class StoredTree {
 public:
  StoredTree(base::Family family, std::span<const PrefixTree::Node> nodes, std::uint32_t value_end)
      : bits_(base::address_bits(family)), nodes_(nodes), value_end_(value_end) {}

  [[nodiscard]] bool is_valid(Link root) { return check(root, 0) && next_ == nodes_.size(); }

 private:
  // No deeper than an address is long, which is asked before each step.
  bool check(Link link, std::size_t depth) {
    if (link.is_leaf()) return link.value() < value_end_;
    if (link.index() != next_ || next_ >= nodes_.size() || depth >= bits_) return false;
    const auto [first, second] = nodes_[next_++];
    if (first.is_leaf() && first == second) return false;
    return check(first, depth + 1) && check(second, depth + 1);
  }

  std::size_t bits_;
  std::span<const PrefixTree::Node> nodes_;
  std::uint32_t value_end_;
  std::size_t next_ = 0;
};

}  // namespace

/// Gives a tree its tables, from the root down.
class PrefixTree::TableWriter {
 public:
  TableWriter(std::span<const Node> nodes, base::LargeVector<Place>& places)
      : nodes_(nodes), places_(places) {}

  /// What a walk that has come to `subtree` goes on with.
  Place place_of(Subtree subtree, std::uint8_t depth) {
    const std::uint8_t bits = bits_of(subtree, depth);
    if (bits == 0) return {subtree.link, depth, 0};
    const std::size_t first = places_.size();
    places_.resize(first + (std::size_t{1} << bits));
    fill(subtree, depth, {first, std::size_t{1} << bits});
    return {Link::node(static_cast<std::uint32_t>(first)), depth, static_cast<std::uint8_t>(64 - bits)};
  }

 private:
  struct Entries {
    std::size_t first = 0;
    std::size_t count = 0;
  };

  static std::uint8_t bits_of(Subtree subtree, std::uint8_t depth) noexcept {
    if (subtree.link.is_leaf()) return 0;
    const std::size_t leaves = subtree.end - subtree.link.index() + 1;
    if (depth == 0 && leaves >= kRootRule.leaves_min) return kRootRule.bits;
    for (const auto& rule : kTableRules) {
      // A table's bits are of the first 64; nothing routed is longer.
      if (leaves >= rule.leaves_min && depth + rule.bits <= 64) return rule.bits;
    }
    return 0;
  }

  /// The halves of a node: in preorder its first one follows it, and ends where its second one begins.
  [[nodiscard]] std::array<Subtree, 2> halves(Subtree subtree) const noexcept {
    const auto [first, second] = nodes_[subtree.link.index()];
    return {{{first, second.is_leaf() ? subtree.end : second.index()}, {second, subtree.end}}};
  }

  void fill(Subtree subtree, std::uint8_t depth, Entries entries) {
    if (subtree.link.is_leaf() || entries.count == 1) {
      const Place place = place_of(subtree, depth);
      std::fill_n(places_.begin() + static_cast<std::ptrdiff_t>(entries.first), entries.count, place);
      return;
    }
    const auto [first, second] = halves(subtree);
    const auto next = static_cast<std::uint8_t>(depth + 1);
    const std::size_t half = entries.count / 2;
    fill(first, next, {entries.first, half});
    fill(second, next, {entries.first + half, half});
  }

  std::span<const Node> nodes_;
  base::LargeVector<Place>& places_;
};

PrefixTree::PrefixTree(base::Family family, std::uint32_t value)
    : family_(family), root_(Link::leaf(value)), start_{root_} {
  MERIDIAN_ASSERT(value <= base::limits::kTrieValueMax);
}

PrefixTree::PrefixTree(base::Family family, Link root, Nodes nodes)
    : family_(family), root_(root), nodes_(std::move(nodes)) {
  // About as many as there will be. Of large room only what is written to takes memory.
  tables_.reserve(nodes_.size());
  start_ = TableWriter(nodes_, tables_).place_of({root_, nodes_.size()}, 0);
  if (nodes_.size() < kLargeNodeCount) tables_.shrink_to_fit();
}

std::optional<PrefixTree> PrefixTree::from_stored(base::Family family, Link root, Nodes nodes,
                                                  std::uint32_t value_end) {
  if (!StoredTree(family, nodes, value_end).is_valid(root)) return std::nullopt;
  return PrefixTree(family, root, std::move(nodes));
}

/// The entry of the table that stands at `at`, for an address whose bits go on with `bits`. By plain
/// pointers: the index is in range by construction, and a check a step costs a third of a lookup.
template <typename Place>
const Place* entry_of(const base::LargeVector<Place>& tables, const Place& at, std::uint64_t bits) noexcept {
  return tables.data() + at.link.index() + (bits >> at.table_shift);
}

void PrefixTree::fetch_ahead(const base::IpAddress& address) const noexcept {
  MERIDIAN_DEBUG_ASSERT(address.family == family_);
  if (start_.table_shift != 0) __builtin_prefetch(entry_of(tables_, start_, first_bits(address)));
}

void PrefixTree::fetch_further_ahead(const base::IpAddress& address) const noexcept {
  MERIDIAN_DEBUG_ASSERT(address.family == family_);
  if (start_.table_shift == 0) return;
  const std::uint64_t bits = first_bits(address);
  const Place at = *entry_of(tables_, start_, bits);
  if (at.link.is_leaf()) return;
  if (at.table_shift == 0) {
    __builtin_prefetch(nodes_.data() + at.link.index());
  } else {
    __builtin_prefetch(entry_of(tables_, at, bits << (64 - start_.table_shift)));
  }
}

Leaf PrefixTree::lookup(const base::IpAddress& address) const noexcept {
  MERIDIAN_DEBUG_ASSERT(address.family == family_);
  std::uint64_t bits = first_bits(address);
  Place at = start_;
  while (at.table_shift != 0) {
    const Place* const entry = entry_of(tables_, at, bits);
    bits <<= 64 - at.table_shift;  // a leaf that ends before is one, whatever is left
    at = *entry;
  }
  const Node* const nodes = nodes_.data();
  while (!at.link.is_leaf() && at.depth < 64) {
    at.link = nodes[at.link.index()][bits >> 63];
    bits <<= 1;
    ++at.depth;
  }
  if (!at.link.is_leaf()) {
    bits = address.v6_half(1);
    while (!at.link.is_leaf()) {
      at.link = nodes[at.link.index()][bits >> 63];
      bits <<= 1;
      ++at.depth;
    }
  }
  return {at.link.value(), at.depth};
}

std::size_t PrefixTree::memory_bytes() const noexcept {
  return sizeof *this + nodes_.size() * sizeof(Node) + tables_.size() * sizeof(Place);
}

void PrefixTree::for_each_leaf(const std::function<void(const base::IpPrefix&, std::uint32_t)>& visit) const {
  base::IpPrefix block = whole_family(family_);
  visit_leaves(*this, root_, block, visit);
}

std::uint32_t PrefixTreeBuilder::open() {
  const std::size_t slot = nodes_.size();
  MERIDIAN_ASSERT(slot <= base::limits::kTrieValueMax);
  nodes_.push_back({Link::leaf(0), Link::leaf(0)});
  return static_cast<std::uint32_t>(slot);
}

std::uint32_t PrefixTreeBuilder::edge_value(Link link, std::size_t side) const noexcept {
  while (!link.is_leaf()) link = nodes_[link.index()][side];
  return link.value();
}

PrefixTree::Link PrefixTreeBuilder::close(std::uint32_t slot, Link first, Link second) {
  constexpr Link kMelted = Link::leaf(kMelts);
  if (first.is_leaf() && second.is_leaf() && (first == second || first == kMelted || second == kMelted)) {
    MERIDIAN_DEBUG_ASSERT(nodes_.size() == slot + std::size_t{1});
    nodes_.pop_back();
    return first == kMelted ? second : first;
  }
  // Beside a split sibling: its leaf next to us, so that the value changes nowhere but where it must.
  if (first == kMelted) first = Link::leaf(edge_value(second, 0));
  if (second == kMelted) second = Link::leaf(edge_value(first, 1));
  nodes_[slot] = {first, second};
  return Link::node(slot);
}

PrefixTree PrefixTreeBuilder::finish(Link root) && {
  if (root == Link::leaf(kMelts)) root = Link::leaf(0);
  // Of large room only what was written to takes memory.
  if (nodes_.size() < kLargeNodeCount) nodes_.shrink_to_fit();
  return {family_, root, std::move(nodes_)};
}

PrefixTree build_prefix_tree(base::Family family, Networks networks, std::uint32_t otherwise) {
  std::vector<std::pair<base::IpPrefix, std::uint32_t>> sorted(networks.begin(), networks.end());
  for (const auto& [prefix, value] : sorted) {
    MERIDIAN_ASSERT(prefix.address.family == family);
    MERIDIAN_ASSERT(value <= base::limits::kTrieValueMax || value == kMelts);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& left, const auto& right) { return left.first < right.first; });
  // Of equal prefixes the last one stays: unique() keeps the first, so it runs from the back.
  const auto kept = std::unique(sorted.rbegin(), sorted.rend(), [](const auto& left, const auto& right) {
    return left.first == right.first;
  });
  sorted.erase(sorted.begin(), kept.base());

  PrefixTreeBuilder builder(family);
  const Link root = build_block(builder, sorted, 0, otherwise);
  return std::move(builder).finish(root);
}

}  // namespace meridian::geo

// Walks several prefix trees at once: every block in which none of them changes, exactly once, in address
// order.
//
// As geo::combine, but builds nothing, and can leave out what is of no interest. Not for the query path.
#pragma once

#include "base/ip.hpp"
#include "geo/prefix_tree.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace meridian::plan {

using Trees = std::vector<const geo::PrefixTree*>;

/// `visit(values, block)` gets what each tree holds in the block. `skip(links)` is asked where the walk would
/// go further down, with where each tree stands there; true leaves everything below out.
template <typename Visit, typename Skip>
class LockStep {
 public:
  using Link = geo::PrefixTree::Link;

  /// Trees of one family, at least one.
  LockStep(const Trees& trees, Visit visit, Skip skip)
      : trees_(trees),
        visit_(std::move(visit)),
        skip_(std::move(skip)),
        block_{{trees.front()->family(), {}}, 0},
        values_(trees.size()),
        links_(trees.size() * (base::address_bits(trees.front()->family()) + std::size_t{1}), Link::leaf(0)) {
  }

  void run() {
    for (std::size_t i = 0; i < trees_.size(); ++i) links_[i] = trees_[i]->root();
    descend(0);
  }

 private:
  // At most 128 deep: the trees end there.
  void descend(std::uint8_t depth) {
    const std::span<const Link> here{&links_[depth * trees_.size()], trees_.size()};
    if (std::all_of(here.begin(), here.end(), [](Link link) { return link.is_leaf(); })) {
      std::transform(here.begin(), here.end(), values_.begin(), [](Link link) { return link.value(); });
      block_.bits = depth;
      visit_(std::span<const std::uint32_t>{values_}, block_);
      return;
    }
    if (skip_(here)) return;
    descend_side(here, depth, 0);
    auto& byte = block_.address.bytes[depth / 8];
    const auto mask = static_cast<std::uint8_t>(0x80 >> (depth % 8));
    byte = static_cast<std::uint8_t>(byte | mask);
    descend_side(here, depth, 1);
    byte = static_cast<std::uint8_t>(byte & ~mask);
  }

  void descend_side(std::span<const Link> here, std::uint8_t depth, std::size_t side) {
    const std::size_t row = (depth + std::size_t{1}) * trees_.size();
    for (std::size_t i = 0; i < here.size(); ++i) {
      links_[row + i] = here[i].is_leaf() ? here[i] : trees_[i]->node(here[i])[side];
    }
    descend(static_cast<std::uint8_t>(depth + 1));
  }

  const Trees& trees_;
  Visit visit_;
  Skip skip_;
  base::IpPrefix block_;
  std::vector<std::uint32_t> values_;
  std::vector<Link> links_;  // one row a depth: where each tree stands on the way down
};

template <typename Visit>
void walk(const Trees& trees, Visit visit) {
  const auto never = [](std::span<const geo::PrefixTree::Link>) { return false; };
  LockStep<Visit, decltype(never)>(trees, std::move(visit), never).run();
}

template <typename Visit, typename Skip>
void walk(const Trees& trees, Visit visit, Skip skip) {
  LockStep<Visit, Skip>(trees, std::move(visit), std::move(skip)).run();
}

}  // namespace meridian::plan

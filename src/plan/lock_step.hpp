// Walks several trees at once, as geo::LockStep, but only looks: every block in which none of them changes,
// exactly once, in address order; what is of no interest can be left out. Not for the query path.
#pragma once

#include "base/ip.hpp"
#include "geo/lock_step.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace meridian::plan {

using Trees = std::vector<geo::TreeView>;

namespace detail {

/// A fold that keeps nothing.
template <typename Visit>
struct Look {
  struct Result {};
  Visit& visit;

  Result leaf(std::span<const std::uint32_t> values, const geo::TreeBlock& block) {
    visit(values, block);
    return {};
  }
  Result open() const noexcept { return {}; }
  Result close(Result, Result, Result) const noexcept { return {}; }
};

template <typename Visit, typename Skip>
struct SkippingLook : Look<Visit> {
  using Result = typename Look<Visit>::Result;
  Skip& is_skipped;

  std::optional<Result> skip(std::span<const geo::TreeState> states) {
    return is_skipped(states) ? std::optional<Result>{Result{}} : std::nullopt;
  }
};

}  // namespace detail

/// `visit(values, block)` gets what each tree holds in the block. At least one tree, all of one family.
template <typename Visit>
void walk(const Trees& trees, Visit visit) {
  detail::Look<Visit> look{visit};
  static_cast<void>(geo::LockStep(std::span{trees}, look).run());
}

/// `skip(states)` is asked where the walk would go further down, with where each tree stands there; true
/// leaves everything below out. It must not depend on what a tree that is split there holds further down.
template <typename Visit, typename Skip>
void walk(const Trees& trees, Visit visit, Skip skip) {
  detail::SkippingLook<Visit, Skip> look{{visit}, skip};
  static_cast<void>(geo::LockStep(std::span{trees}, look).run());
}

}  // namespace meridian::plan

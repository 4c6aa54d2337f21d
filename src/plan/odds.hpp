// Where the clients of each tier list end up, in numbers that mean the same before and after a change.
//
// A datacenter is known by its name: ids of two snapshots never meet. Fills itself as it is asked; one
// thread.
#pragma once

#include "plan/shape.hpp"
#include "query/snapshot.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace meridian::plan {

/// A number for each name of a datacenter, and for the ways to end without one.
class Ends {
 public:
  [[nodiscard]] std::uint32_t find_or_add(const std::string& name);
  [[nodiscard]] const std::string& name(std::uint32_t end) const noexcept { return names_[end]; }
  [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::uint32_t> numbers_;
};

struct EndShare {
  std::uint32_t end = 0;
  double share = 0;  ///< above 0
};
/// By end; the shares sum to 1.
using EndShares = std::vector<EndShare>;

/// Shares further apart than this differ in meaning and not in rounding: it is under one address of all IPv4.
inline constexpr double kShareTolerance = 1e-10;

/// The total variation distance: 0 for equal shares, and for what is rounding alone.
[[nodiscard]] double distance(const EndShares& before, const EndShares& after) noexcept;

/// One shape of one snapshot.
class ShapeOdds {
 public:
  /// `snapshot` must outlive the odds.
  ShapeOdds(const query::Snapshot& snapshot, Shape shape, Ends& ends);

  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }
  /// The shares of the clients with these tiers.
  [[nodiscard]] const EndShares& of(base::TiersId tiers);
  /// The same with one end lost; none is lost where `lost` is no datacenter of this snapshot.
  [[nodiscard]] EndShares without(base::TiersId tiers, std::uint32_t lost) const;
  /// Where this draw leads a client with these tiers.
  [[nodiscard]] std::uint32_t end_of(base::TiersId tiers, steering::DrawKey key) const;
  /// True when every draw leads to the same end there as here, because all that decides it is the same.
  [[nodiscard]] bool draws_alike(base::TiersId tiers, const ShapeOdds& other,
                                 base::TiersId other_tiers) const;
  /// True where somebody gets addresses.
  [[nodiscard]] static bool is_answer(const EndShares& shares, const Ends& ends);

 private:
  [[nodiscard]] EndShares translate(const steering::Shares& shares) const;

  const query::Snapshot& snapshot_;
  Shape shape_;
  std::vector<std::uint32_t> ends_;                  // by DatacenterId
  std::map<std::uint32_t, base::DatacenterId> ids_;  // by end
  std::uint32_t no_address_;
  std::uint32_t all_down_;
  std::vector<std::optional<EndShares>> known_;  // by TiersId
};

}  // namespace meridian::plan

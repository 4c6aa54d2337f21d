// Where the clients of one pair of tier lists go before and after, together: which part of them goes from one
// end to another.
//
// Shares alone do not tell it. Two lists may give the same shares to other clients, and where several members
// of a tier change at once, some clients change places among those that keep theirs (docs/steering.md). Pure;
// slow, off line.
#pragma once

#include "plan/odds.hpp"

#include <cstdint>
#include <map>
#include <utility>

namespace meridian::plan {

/// Parts of the clients by where they were and where they go; also those that stay. They sum to 1.
using Joint = std::map<std::pair<std::uint32_t, std::uint32_t>, double>;

/// As many as the shares allow stay; who loses hands over to those who gain in proportion to their gains.
[[nodiscard]] Joint least_moved(const EndShares& before, const EndShares& after);

/// What the draws of the server move between these two lists. Its margins are the shares. Exact where the
/// clients have one end before or after, else counted over many draws, always the same ones. Services that
/// draw per query have no client that could stay: least_moved.
[[nodiscard]] Joint joint_of(ShapeOdds& old, base::TiersId old_tiers, ShapeOdds& now,
                             base::TiersId new_tiers);

/// The part that does not stay.
[[nodiscard]] double moved_part(const Joint& joint) noexcept;

}  // namespace meridian::plan

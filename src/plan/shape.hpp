// All that decides where a service's clients go besides the tiers of their leaf. Services with equal shapes
// send the same clients to the same datacenters, so one of them is reasoned about for all.
//
// Made of what the query path reads (query::candidate_at), under a health that is assumed: of all endpoints
// up, of some datacenters less. Immutable values.
#pragma once

#include "base/expected.hpp"
#include "query/snapshot.hpp"
#include "steering/shares.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::plan {

/// What an operator wants to see played through: "ams down".
struct Assumption {
  std::string datacenter;
  steering::Share health = steering::kFull;
};

/// `NAME down`, or `NAME 50%`: so much of each pool's weight is healthy.
[[nodiscard]] base::Expected<Assumption, std::string> parse_assumption(std::string_view text);

/// Health by DatacenterId. The error names a datacenter that the map does not have.
[[nodiscard]] base::Expected<std::vector<steering::Share>, std::string> assumed_health(
    const query::Snapshot& snapshot, std::span<const Assumption> assumptions);

struct Shape {
  base::MapId map{};
  std::optional<base::DatacenterId> fixed;  ///< a view of one datacenter: the client does not matter
  steering::Share overprovision = steering::kFull;
  query::OnAllDown on_all_down = query::OnAllDown::AnswerAnyway;
  std::vector<steering::Candidate> candidates;  ///< by DatacenterId

  friend bool operator==(const Shape& left, const Shape& right) noexcept;
};

/// The shape of every service, by ServiceId. `assumed` is by DatacenterId; empty: everything is up.
[[nodiscard]] std::vector<Shape> shapes_of(const query::Snapshot& snapshot,
                                           std::span<const steering::Share> assumed = {});

/// A service of `map` with a pool in every datacenter.
[[nodiscard]] Shape shape_everywhere(const query::Snapshot& snapshot, base::MapId map);

/// Which shares of its clients the datacenters get; `lost` is one that is down as well. Without shares:
/// nobody serves them, or on_all_down says what to answer (all_down).
[[nodiscard]] steering::Shares shares_of(const Shape& shape, std::span<const steering::TierEntry> tiers,
                                         std::optional<base::DatacenterId> lost = std::nullopt);

/// The datacenters that would serve these clients one after the other, as more and more of them are lost.
[[nodiscard]] std::vector<base::DatacenterId> standing_ready(const Shape& shape,
                                                             std::span<const steering::TierEntry> tiers);

}  // namespace meridian::plan

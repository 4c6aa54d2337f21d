// All that decides where a service's clients go besides the tiers of their leaf. Services with equal shapes
// send the same clients to the same datacenters, so one of them is reasoned about for all.
//
// Made of what the query path reads (query::candidate_at), under a health that is assumed: of all endpoints
// up, of some datacenters less. A pool that is an alias has no endpoints: it is always well, and only what is
// assumed takes clients from it. Immutable values.
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

/// How a datacenter is assumed to be.
struct AssumedState {
  steering::Share health = steering::kFull;  ///< so much of each pool's weight is healthy at most
  steering::Share kept = steering::kFull;    ///< what is left after drain and shed

  friend bool operator==(const AssumedState&, const AssumedState&) = default;
};

/// What an operator wants to see played through: "ams down".
struct Assumption {
  std::string datacenter;
  AssumedState state;
};

/// `NAME down`, `NAME 50%` (of each pool's weight is healthy), `NAME drained` or `NAME shed 30%`.
[[nodiscard]] base::Expected<Assumption, std::string> parse_assumption(std::string_view text);

/// All of them, or what is wrong with the first that is none.
[[nodiscard]] base::Expected<std::vector<Assumption>, std::string> parse_assumptions(
    std::span<const std::string> texts);

/// States by DatacenterId; of several assumptions about one datacenter each lower value counts. The error
/// names a datacenter that the map does not have.
[[nodiscard]] base::Expected<std::vector<AssumedState>, std::string> assumed_states(
    const query::Snapshot& snapshot, std::span<const Assumption> assumptions);

/// True when steering treats both alike.
[[nodiscard]] bool is_same(const steering::Candidate& left, const steering::Candidate& right) noexcept;

struct Shape {
  base::MapId map{};
  std::optional<base::DatacenterId> fixed;  ///< a view of one datacenter: the client does not matter
  steering::Share overprovision = steering::kFull;
  query::OnAllDown on_all_down = query::OnAllDown::AnswerAnyway;
  bool sticky = true;                                ///< else each query is drawn for
  bool use_client_subnet = true;                     ///< else the resolver is the client
  std::vector<steering::Candidate> candidates;       ///< by DatacenterId
  std::vector<steering::Candidate> open_candidates;  ///< the same, were all of the service healthy
  /// By DatacenterId: what is left without it is too little (query::is_too_little), so that open_candidates
  /// count, and what is lost keeps its clients.
  std::vector<bool> fails_open_without;

  friend bool operator==(const Shape& left, const Shape& right) noexcept;
};

/// The shape of every service, by ServiceId. `assumed` is by DatacenterId; empty: everything is up.
[[nodiscard]] std::vector<Shape> shapes_of(const query::Snapshot& snapshot,
                                           std::span<const AssumedState> assumed = {});

/// A service of `map` with a pool in every datacenter; `assumed` as above.
[[nodiscard]] Shape shape_everywhere(const query::Snapshot& snapshot, base::MapId map,
                                     std::span<const AssumedState> assumed = {});

/// Which shares of its clients the datacenters get; `lost` is one that is down as well. Without shares:
/// nobody serves them, or on_all_down says what to answer (all_down).
[[nodiscard]] steering::Shares shares_of(const Shape& shape, std::span<const steering::TierEntry> tiers,
                                         std::optional<base::DatacenterId> lost = std::nullopt);

/// The datacenters that would serve these clients one after the other, as more and more of them are lost.
[[nodiscard]] std::vector<base::DatacenterId> standing_ready(const Shape& shape,
                                                             std::span<const steering::TierEntry> tiers);

}  // namespace meridian::plan

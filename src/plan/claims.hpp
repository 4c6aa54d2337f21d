// What an expectation claims of the clients of one tier list, and whether steering keeps it. Pure functions.
#pragma once

#include "config/compile/expectation_index.hpp"
#include "plan/shape.hpp"
#include "query/snapshot.hpp"
#include "steering/tiers.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace meridian::plan {

enum class Claim : std::uint8_t { First, Never, DatacentersAtLeast };
inline constexpr std::array kClaims{Claim::First, Claim::Never, Claim::DatacentersAtLeast};
inline constexpr std::size_t kClaimCount = kClaims.size();

/// How a claim is broken.
struct ClaimBreach {
  bool is_too_few = false;                 ///< Claim::DatacentersAtLeast: `gets` are all there are
  std::vector<base::DatacenterId> gets;    ///< what the clients get that they must not; none: no address
  std::optional<base::DatacenterId> lost;  ///< with this one lost; absent: while all are up
};

/// nullopt: the claim is kept, or the expectation does not make it.
[[nodiscard]] std::optional<ClaimBreach> find_breach(Claim claim, const compile::Expectation& expectation,
                                                     const Shape& shape,
                                                     std::span<const steering::TierEntry> tiers);

/// "get ams or fra first", "never get sin", "have at least 2 datacenters".
[[nodiscard]] std::string claim_text(Claim claim, const config::Expectation& expectation);

/// "gets iad", "gets sin when ams is lost", "has only ams".
[[nodiscard]] std::string breach_text(const ClaimBreach& breach, const query::Snapshot& snapshot);

}  // namespace meridian::plan

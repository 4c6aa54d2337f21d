// Health as somebody wants to see it played through, in a table of its own: for explain.
#pragma once

#include "base/expected.hpp"
#include "plan/shape.hpp"
#include "query/snapshot.hpp"

#include <memory>
#include <span>
#include <string>

namespace meridian::plan {

/// `tables` as they are now, then with the assumptions: of `ams 50%` so many endpoints of each pool are down,
/// the last ones first, that at most half of its weight is up. What is worse already stays so. Slow; any
/// thread. The error names a datacenter that the map does not have.
[[nodiscard]] base::Expected<std::unique_ptr<query::Tables>, std::string> assumed_tables(
    const query::Snapshot& snapshot, const query::Tables& tables, std::span<const Assumption> assumptions);

/// The assumptions in `text`, with commas between: `ams down,iad shed 30%`. Empty: none.
[[nodiscard]] base::Expected<std::vector<Assumption>, std::string> parse_assumptions(std::string_view text);

}  // namespace meridian::plan

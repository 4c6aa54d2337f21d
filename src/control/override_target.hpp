// What an override is about: datacenters, pools or endpoints, by name or by pattern.
//
//   ams, a*                       datacenters
//   www.example.com@ams, *@ams    pools
//   192.0.2.10, 192.0.2.*         endpoints, wherever they stand
//   www.example.com@ams/192.0.2.10, *@ams/192.0.2.*
//
// Pure values. `*` stands for any text, `?` for one character.
#pragma once

#include "base/expected.hpp"
#include "query/snapshot.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::control {

struct OverrideTarget {
  enum class Kind : std::uint8_t { Datacenter, Pool, Endpoint };

  Kind kind = Kind::Datacenter;
  std::string service = "*";  ///< lower case; with Pool and Endpoint
  std::string datacenter = "*";
  std::string address = "*";  ///< with Endpoint; without patterns in its shortest form
};

/// The error says what would be right.
[[nodiscard]] base::Expected<OverrideTarget, std::string> parse_target(std::string_view text);

[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view text) noexcept;
[[nodiscard]] bool is_pattern(std::string_view text) noexcept;

/// What of a snapshot a target means.
struct TargetMatches {
  std::vector<base::DatacenterId> datacenters;  ///< with Kind::Datacenter
  std::vector<base::PoolId> pools;              ///< with Kind::Pool
  std::vector<base::EndpointId> endpoints;      ///< with every kind: all that stand in them

  [[nodiscard]] bool is_empty(OverrideTarget::Kind kind) const noexcept;
};
[[nodiscard]] TargetMatches find_matches(const OverrideTarget& target, const query::Snapshot& snapshot);

/// "the map has no datacenter 'asm'; did you mean 'ams'?"
[[nodiscard]] std::string no_match_message(std::string_view text, const OverrideTarget& target,
                                           const query::Snapshot& snapshot);

}  // namespace meridian::control

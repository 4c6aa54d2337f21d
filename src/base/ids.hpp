// Strong ids: indexes into the tables of one snapshot. Never compared across snapshots.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meridian::base {

enum class DatacenterId : std::uint16_t {};
enum class MapId : std::uint16_t {};
enum class ServiceId : std::uint32_t {};
enum class PoolId : std::uint32_t {};
enum class EndpointId : std::uint32_t {};
/// One interned, ordered list of tiers.
enum class TiersId : std::uint32_t {};

/// "No pool here", "no service at this name".
inline constexpr PoolId kNoPool{0xffff'ffff};
inline constexpr ServiceId kNoService{0xffff'ffff};

/// The id as an index into its table.
template <typename Id>
[[nodiscard]] constexpr std::size_t index_of(Id id) noexcept {
  return static_cast<std::size_t>(id);
}

}  // namespace meridian::base

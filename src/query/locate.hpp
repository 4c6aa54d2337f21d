// Whose address decides, and where in the map it lies: from packet source and client subnet to tiers and
// scope.
//
// docs/life-of-a-query.md gives the rules. HOT: one trie walk, another first only where the resolver is the
// client and the map has rules for resolvers; no allocation.
#pragma once

#include "base/ids.hpp"
#include "base/ip.hpp"
#include "dns/client_subnet.hpp"
#include "query/snapshot.hpp"

#include <cstdint>

namespace meridian::query {

/// Why an address was the one that decided.
enum class Whose : std::uint8_t {
  ClientSubnet,         ///< the query's client subnet option
  Resolver,             ///< no client subnet: the packet's source
  OptedOut,             ///< source prefix 0 (RFC 7871 7.1.2): the packet's source
  PrivateClientSubnet,  ///< a client subnet in private space nobody named: the packet's source
  Ignored,              ///< the service ignores client subnets: the packet's source
};

struct Client {
  base::IpAddress address;  ///< What was looked up: an IPv4 address also where IPv6 carried it.
  Whose whose = Whose::Resolver;
  base::TiersId tiers{};
  bool by_resolver_rule = false;  ///< `tiers` are those of a rule for resolvers
  std::uint8_t leaf_bits = 0;     ///< Depth of the map's leaf, in bits of `address`.
  std::uint8_t carrier_bits =
      0;                         ///< Bits of the IPv6 carrier before `address`; 0 when it was asked as it is.
  std::uint8_t source_bits = 0;  ///< Prefix length of the client subnet option.
};

/// A hash of the address's /24 or /56, on which sticky draws depend: the same at every PoP.
[[nodiscard]] std::uint64_t unit_of(const base::IpAddress& address) noexcept;

/// Finds the client of a steered query. `client_subnet`: nullptr when the query has none. Cannot fail: where
/// nothing is known the map's `unknown` tiers are used.
[[nodiscard]] Client locate(const SteeringMap& map, bool use_client_subnet, const base::IpAddress& source,
                            const base::IpPrefix* client_subnet) noexcept;

/// HOT. Fetches into the cache what locate() will read first in each of the snapshot's maps (the first
/// limits::kMapsFetchedAheadMax): which one will be asked is not known before the zone is looked up, and by
/// then it is there.
void fetch_client_ahead(const Snapshot& snapshot, const base::IpAddress& client) noexcept;

/// The ECS scope of an answer for this client (RFC 7871 7.2.1). `varies`: another unit of the same leaf may
/// get another answer, so the scope is at least the unit's.
[[nodiscard]] std::uint8_t scope_bits(const Client& client, bool varies) noexcept;

/// Prefix length of the unit that sticks together: 24 or 56.
[[nodiscard]] constexpr std::uint8_t unit_bits(base::Family family) noexcept {
  return family == base::Family::V4 ? 24 : 56;
}

}  // namespace meridian::query

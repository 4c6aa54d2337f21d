#include "query/locate.hpp"

#include "base/limits.hpp"
#include "base/random.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

namespace meridian::query {
namespace {

/// First bytes under which private space lies (base::private_networks): most addresses end here.
constexpr std::array<bool, 256> kMayBePrivate = [] {
  std::array<bool, 256> table{};
  for (const unsigned byte : {0x00u, 10u, 100u, 127u, 169u, 172u, 192u, 0xfcu, 0xfdu, 0xfeu})
    table[byte] = true;
  return table;
}();

bool is_unnamed_private(const SteeringMap& map, const base::IpAddress& address) noexcept {
  if (!kMayBePrivate[address.bytes[0]]) return false;
  const auto& networks =
      map.unnamed_private;  // disjoint, so only the last one that starts at or before can hold it
  const auto after = std::upper_bound(
      networks.begin(), networks.end(), address,
      [](const base::IpAddress& wanted, const base::IpPrefix& network) { return wanted < network.address; });
  return after != networks.begin() && std::prev(after)->contains(address);
}

void set_address(const base::IpAddress& asked, Client& client) noexcept {
  client.address = asked;
  client.carrier_bits = 0;
  if (const auto carried = base::find_carried_v4(asked)) {
    client.address = carried->address;
    client.carrier_bits = carried->offset_bits;
  }
}

/// Fills in the tiers and the leaf. False: private space nobody named; `client` then has the unknown tiers.
bool look_up(const SteeringMap& map, Client& client) noexcept {
  if (is_unnamed_private(map, client.address)) {
    client.tiers = map.unknown;
    client.leaf_bits = 0;
    return false;
  }
  const geo::Leaf leaf = map.tree(client.address.family).lookup(client.address);
  client.tiers = static_cast<base::TiersId>(leaf.value);
  client.leaf_bits = leaf.depth;
  return true;
}

void look_up_resolver(const SteeringMap& map, const base::IpAddress& source, Client& client) noexcept {
  set_address(source, client);
  if (map.has_resolvers) {
    const geo::Leaf leaf = map.resolver_tree(client.address.family).lookup(client.address);
    if (leaf.value != kNoResolverRule) {
      client.tiers = static_cast<base::TiersId>(leaf.value - 1);
      client.leaf_bits = leaf.depth;
      client.by_resolver_rule = true;
      return;
    }
  }
  static_cast<void>(look_up(map, client));
}

}  // namespace

std::uint64_t unit_of(const base::IpAddress& address) noexcept {
  // The family goes into bits a /24 or /56 leaves free, so that no IPv4 unit equals an IPv6 one.
  if (address.family == base::Family::V4) return base::mix(address.v4_word() >> 8);
  return base::mix((address.v6_half(0) >> 8) | std::uint64_t{1} << 63);
}

void fetch_client_ahead(const Snapshot& snapshot, const base::IpAddress& client) noexcept {
  const std::size_t count = std::min(snapshot.maps.size(), base::limits::kMapsFetchedAheadMax);
  for (const auto& map : std::span{snapshot.maps}.first(count)) map.tree(client.family).fetch_ahead(client);
}

Client locate(const SteeringMap& map, bool use_client_subnet, const base::IpAddress& source,
              const base::IpPrefix* client_subnet) noexcept {
  Client client;
  if (client_subnet == nullptr) {
    client.whose = Whose::Resolver;
  } else if (!use_client_subnet) {
    client.whose = Whose::Ignored;
  } else if (client_subnet->bits == 0) {
    client.whose = Whose::OptedOut;
  } else {
    client.source_bits = client_subnet->bits;
    client.whose = Whose::ClientSubnet;
    set_address(client_subnet->address, client);
    if (look_up(map, client)) return client;
    client.whose = Whose::PrivateClientSubnet;
  }
  look_up_resolver(map, source, client);
  return client;
}

std::uint8_t scope_bits(const Client& client, bool varies) noexcept {
  switch (client.whose) {
    case Whose::Resolver:
    case Whose::OptedOut:
    case Whose::Ignored:
      return 0;
    case Whose::PrivateClientSubnet:
      return client.source_bits;
    case Whose::ClientSubnet:
      break;
  }
  const std::uint8_t unit = varies ? unit_bits(client.address.family) : std::uint8_t{0};
  const std::uint8_t bits = std::max(client.leaf_bits, unit);
  // A leaf that covers the whole family says "good for everyone"; inside a carrier it says "for this
  // carrier".
  return static_cast<std::uint8_t>(client.carrier_bits + bits);
}

}  // namespace meridian::query

#include "dns/client_subnet.hpp"

#include "base/assert.hpp"
#include "dns/header.hpp"

#include <algorithm>
#include <cstring>

namespace meridian::dns {
namespace {

// IANA "Address Family Numbers".
constexpr std::uint16_t kFamilyNone = 0;
constexpr std::uint16_t kFamilyV4 = 1;
constexpr std::uint16_t kFamilyV6 = 2;

constexpr std::size_t address_bytes(std::uint8_t source_bits) noexcept { return (source_bits + 7u) / 8u; }

}  // namespace

base::Expected<std::optional<ClientSubnet>, Rcode> parse_client_subnet_reply(
    std::span<const std::uint8_t> payload) noexcept {
  if (payload.size() < kClientSubnetFixedBytes) return base::unexpected(Rcode::FormErr);
  const std::uint16_t family = load_u16(payload.data());
  // Some stubs opt out with family 0 and nothing else: without the option our answer depends on the
  // resolver's address alone, which is what section 7.1.2 asks for.
  const bool is_empty = payload[2] == 0 && payload[3] == 0 && payload.size() == kClientSubnetFixedBytes;
  if (family == kFamilyNone && is_empty) return std::optional<ClientSubnet>{};
  // Section 6 defines the address for families 1 and 2 only: of others nobody can say what the answer is for.
  if (family != kFamilyV4 && family != kFamilyV6) return base::unexpected(Rcode::FormErr);

  ClientSubnet subnet;
  subnet.source.address.family = family == kFamilyV4 ? base::Family::V4 : base::Family::V6;
  subnet.source.bits = payload[2];
  subnet.scope_bits = payload[3];
  const std::uint8_t width = base::address_bits(subnet.source.address.family);
  if (subnet.source.bits > width || subnet.scope_bits > width) return base::unexpected(Rcode::FormErr);

  const std::size_t size = payload.size() - kClientSubnetFixedBytes;
  if (size != address_bytes(subnet.source.bits)) return base::unexpected(Rcode::FormErr);
  if (size == 0) return subnet;
  std::memcpy(subnet.source.address.bytes.data(), payload.data() + kClientSubnetFixedBytes, size);
  const unsigned spare_bits = static_cast<unsigned>(size * 8) - subnet.source.bits;  // 0 to 7
  if ((payload.back() & ((1u << spare_bits) - 1u)) != 0) return base::unexpected(Rcode::FormErr);
  return subnet;
}

base::Expected<std::optional<ClientSubnet>, Rcode> parse_client_subnet(
    std::span<const std::uint8_t> payload) noexcept {
  const auto subnet = parse_client_subnet_reply(payload);
  // Section 6: in queries the scope MUST be 0.
  if (subnet && *subnet && (*subnet)->scope_bits != 0) return base::unexpected(Rcode::FormErr);
  return subnet;
}

std::size_t client_subnet_bytes(const ClientSubnet& subnet) noexcept {
  return kClientSubnetFixedBytes + address_bytes(subnet.source.bits);
}

std::size_t write_client_subnet(std::span<std::uint8_t> out, const ClientSubnet& subnet) noexcept {
  MERIDIAN_DEBUG_ASSERT(out.size() >= client_subnet_bytes(subnet));
  const std::size_t count = address_bytes(subnet.source.bits);
  std::uint8_t* const to = out.data();
  store_u16(to, subnet.source.address.family == base::Family::V4 ? kFamilyV4 : kFamilyV6);
  to[2] = subnet.source.bits;
  to[3] = subnet.scope_bits;
  std::memcpy(to + kClientSubnetFixedBytes, subnet.source.address.bytes.data(), count);
  return kClientSubnetFixedBytes + count;
}

}  // namespace meridian::dns

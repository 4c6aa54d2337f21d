#include "base/ip.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

namespace meridian::base {
namespace {

std::vector<IpPrefix> parse_table(std::initializer_list<std::string_view> texts) {
  std::vector<IpPrefix> prefixes;
  for (const auto text : texts) prefixes.push_back(parse_ip_prefix(text).value());
  return prefixes;
}

bool starts_with(const IpAddress& address, std::initializer_list<std::uint8_t> bytes) noexcept {
  return std::equal(bytes.begin(), bytes.end(), address.bytes.begin());
}

CarriedV4 carried_at(const IpAddress& address, std::size_t byte_offset) noexcept {
  const std::span<const std::uint8_t, 4> quad{address.bytes.data() + byte_offset, 4};
  return {IpAddress::v4(quad), static_cast<std::uint8_t>(byte_offset * 8)};
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) noexcept {
  IpAddress address;
  const std::uint32_t network_order = htonl(host_order);
  std::memcpy(address.bytes.data(), &network_order, sizeof network_order);
  return address;
}

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> network_order) noexcept {
  IpAddress address;
  std::memcpy(address.bytes.data(), network_order.data(), 4);
  return address;
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> network_order) noexcept {
  IpAddress address{Family::V6, {}};
  std::memcpy(address.bytes.data(), network_order.data(), 16);
  return address;
}

std::uint32_t IpAddress::v4_word() const noexcept {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data(), sizeof word);
  return ntohl(word);
}

std::uint64_t IpAddress::v6_half(unsigned half) const noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + std::size_t{8} * half, sizeof word);
  return __builtin_bswap64(word);
}

bool IpPrefix::contains(const IpAddress& other) const noexcept {
  return other.family == address.family && masked(other, bits) == address;
}

bool IpPrefix::contains(const IpPrefix& other) const noexcept {
  return other.bits >= bits && contains(other.address);
}

IpAddress masked(const IpAddress& address, std::uint8_t bits) noexcept {
  IpAddress result = address;
  const std::size_t whole = bits / 8;
  const std::size_t width = address_bits(address.family) / 8;
  if (whole >= width) return result;
  result.bytes[whole] = static_cast<std::uint8_t>(result.bytes[whole] & (0xff00 >> (bits % 8)));
  std::fill(result.bytes.begin() + static_cast<std::ptrdiff_t>(whole) + 1, result.bytes.end(),
            std::uint8_t{0});
  return result;
}

IpAddress last_address(const IpPrefix& prefix) noexcept {
  IpAddress result = prefix.address;
  for (unsigned bit = prefix.bits; bit < address_bits(prefix.address.family); ++bit) {
    result.bytes[bit / 8] = static_cast<std::uint8_t>(result.bytes[bit / 8] | (0x80 >> (bit % 8)));
  }
  return result;
}

std::optional<IpAddress> parse_ip_address(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN + 1> buffer{};
  if (text.empty() || text.size() >= buffer.size()) return std::nullopt;
  std::memcpy(buffer.data(), text.data(), text.size());
  IpAddress address;
  if (inet_pton(AF_INET, buffer.data(), address.bytes.data()) == 1) return address;
  address.family = Family::V6;
  if (inet_pton(AF_INET6, buffer.data(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

Expected<IpPrefix, std::string> parse_ip_prefix(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse_ip_address(text.substr(0, slash));
  if (!address)
    return unexpected("'" + std::string(text) +
                      "' is not an IP network; write it like 192.0.2.0/24 or 2001:db8::/32");
  IpPrefix prefix{*address, address_bits(address->family)};
  if (slash == std::string_view::npos) return prefix;

  const auto length = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (error != std::errc{} || end != length.data() + length.size() || bits > address_bits(address->family)) {
    return unexpected("'" + std::string(text) + "' has no valid prefix length; it goes from 0 to " +
                      std::to_string(address_bits(address->family)));
  }
  prefix = {masked(*address, static_cast<std::uint8_t>(bits)), static_cast<std::uint8_t>(bits)};
  if (prefix.address != *address) {
    return unexpected("'" + std::string(text) + "' has host bits set; the network is " + to_string(prefix));
  }
  return prefix;
}

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const int family = address.family == Family::V4 ? AF_INET : AF_INET6;
  return inet_ntop(family, address.bytes.data(), buffer.data(), buffer.size());
}

std::string to_string(const IpPrefix& prefix) {
  return to_string(prefix.address) + "/" + std::to_string(prefix.bits);
}

std::optional<CarriedV4> find_carried_v4(const IpAddress& address) noexcept {
  if (address.family != Family::V6) return std::nullopt;
  if (starts_with(address, {0x20, 0x02})) return carried_at(address, 2);  // 6to4
  if (starts_with(address, {0x20, 0x01, 0, 0})) {                         // Teredo: RFC 4380, section 4
    CarriedV4 carried = carried_at(address, 12);
    carried.address = IpAddress::v4(~carried.address.v4_word());
    return carried;
  }
  if (starts_with(address, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return carried_at(address, 12);
  if (address.v6_half(0) != 0) return std::nullopt;
  const auto middle = static_cast<std::uint32_t>(address.v6_half(1) >> 32);
  // v4-compatible (0), v4-mapped (::ffff:0:0/96) and SIIT's v4-translated form (::ffff:0:0:0/96).
  if (middle == 0 && address.v6_half(1) <= 1) return std::nullopt;  // :: and ::1 are not v4-compatible
  if (middle == 0 || middle == 0x0000'ffff || middle == 0xffff'0000) return carried_at(address, 12);
  return std::nullopt;
}

std::span<const IpPrefix> carrier_networks() noexcept {
  static const auto networks =
      parse_table({"::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "2002::/16", "2001::/32"});
  return networks;
}

std::span<const IpPrefix> private_networks() noexcept {
  static const auto networks = parse_table({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                                            "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1"});
  return networks;
}

bool is_private(const IpAddress& address) noexcept {
  const auto networks = private_networks();
  return std::any_of(networks.begin(), networks.end(),
                     [&](const IpPrefix& network) { return network.contains(address); });
}

}  // namespace meridian::base

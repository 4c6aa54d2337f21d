#include "probe/icmp_echo.hpp"

#include "dns/header.hpp"

namespace meridian::probe {
namespace {

constexpr std::uint8_t kRequestV4 = 8;
constexpr std::uint8_t kReplyV4 = 0;
constexpr std::uint8_t kRequestV6 = 128;
constexpr std::uint8_t kReplyV6 = 129;

constexpr std::size_t kSequenceAt = 6;
constexpr std::size_t kTokenAt = 8;

}  // namespace

std::array<std::uint8_t, kEchoBytes> write_echo_request(base::Family family, const Echo& echo) noexcept {
  std::array<std::uint8_t, kEchoBytes> packet{};
  packet[0] = family == base::Family::V4 ? kRequestV4 : kRequestV6;
  dns::store_u16(packet.data() + kSequenceAt, echo.sequence);
  dns::store_u32(packet.data() + kTokenAt, static_cast<std::uint32_t>(echo.token >> 32));
  dns::store_u32(packet.data() + kTokenAt + 4, static_cast<std::uint32_t>(echo.token));
  return packet;
}

std::optional<Echo> read_echo_reply(base::Family family, std::span<const std::uint8_t> packet) noexcept {
  const std::uint8_t reply = family == base::Family::V4 ? kReplyV4 : kReplyV6;
  if (packet.size() != kEchoBytes || packet[0] != reply || packet[1] != 0) return std::nullopt;
  const std::uint64_t high = dns::load_u32(packet.data() + kTokenAt);
  return Echo{.sequence = dns::load_u16(packet.data() + kSequenceAt),
              .token = high << 32 | dns::load_u32(packet.data() + kTokenAt + 4)};
}

}  // namespace meridian::probe

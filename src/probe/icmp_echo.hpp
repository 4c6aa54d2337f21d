// ICMP echo messages (RFC 792, RFC 4443 4) as ping sockets take and give them: no IP header, and id and
// checksum are the kernel's business.
#pragma once

#include "base/ip.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace meridian::probe {

/// What tells one ping from another.
struct Echo {
  std::uint16_t sequence = 0;
  std::uint64_t token = 0;  ///< cannot be guessed; the payload

  friend bool operator==(const Echo&, const Echo&) = default;
};

///   | type | code 0 | checksum | id | sequence | token (8 bytes)
inline constexpr std::size_t kEchoBytes = 16;

[[nodiscard]] std::array<std::uint8_t, kEchoBytes> write_echo_request(base::Family family,
                                                                      const Echo& echo) noexcept;

/// nullopt for anything but an echo reply with a token.
[[nodiscard]] std::optional<Echo> read_echo_reply(base::Family family,
                                                  std::span<const std::uint8_t> packet) noexcept;

}  // namespace meridian::probe

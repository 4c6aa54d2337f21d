// The client's side of an exchange, for those of us who ask: probes of name servers, and the agent.
//
// Not for the server's own answers. Any thread.
#pragma once

#include <cstdint>
#include <span>

namespace meridian::dns {

/// An id that nobody can guess (RFC 5452 9.2).
[[nodiscard]] std::uint16_t draw_query_id();

/// A response with the id of `query`, a whole query with one question, and with that question as it was sent:
/// a server repeats the name with its letter case. Anything else is somebody else's, or forged.
[[nodiscard]] bool is_reply_to(std::span<const std::uint8_t> query,
                               std::span<const std::uint8_t> packet) noexcept;

}  // namespace meridian::dns

// Replies without records: header, question, and OPT when the query had one.
//
// Never longer than the query, so that nobody can use them to amplify (RFC 5358's concern). HOT: a flood of
// bad packets comes through here; nothing allocates, throws or logs.
#pragma once

#include "dns/query.hpp"
#include "dns/types.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace meridian::dns {

/// The reply to a packet that parse_query refused; its size, or 0 to say nothing (also when `reply` is too
/// small).
[[nodiscard]] std::size_t write_error_reply(std::span<const std::uint8_t> packet, const QueryError& error,
                                            std::span<std::uint8_t> reply) noexcept;

/// The same for a well-formed query that is not served, for example Refused or ServFail. A client subnet is
/// echoed with scope 0: the error is the same for everyone.
[[nodiscard]] std::size_t write_error_reply(std::span<const std::uint8_t> packet, const Query& query,
                                            Rcode rcode, std::span<std::uint8_t> reply) noexcept;

}  // namespace meridian::dns

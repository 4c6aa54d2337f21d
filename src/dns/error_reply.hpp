// Replies without records: header, question, and OPT when the query had one.
//
// To a packet that is no query, never longer than that packet, so that nobody can use them to amplify (RFC
// 5358's concern). HOT: a flood of bad packets comes through here; nothing allocates, throws or logs.
#pragma once

#include "dns/cookie.hpp"
#include "dns/edns.hpp"
#include "dns/query.hpp"
#include "dns/types.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace meridian::dns {

/// The reply to a packet that parse_query refused; its size, or 0 to say nothing (also when `reply` is too
/// small). `cookie` is left out where it would make the reply longer than the packet.
[[nodiscard]] std::size_t write_error_reply(std::span<const std::uint8_t> packet, const QueryError& error,
                                            std::span<std::uint8_t> reply,
                                            const std::optional<CookiePayload>& cookie = {}) noexcept;

/// The reply to a query that has no question but a cookie (QueryFault::CookieOnly): NoError or BadCookie.
[[nodiscard]] std::size_t write_cookie_reply(std::span<const std::uint8_t> packet, const QueryError& query,
                                             Rcode rcode, const CookiePayload& cookie,
                                             std::span<std::uint8_t> reply) noexcept;

/// The same for a well-formed query that is not served, for example Refused or ServFail. `edns` is what the
/// OPT record says if the query had one.
[[nodiscard]] std::size_t write_error_reply(std::span<const std::uint8_t> packet, const Query& query,
                                            Rcode rcode, const EdnsReply& edns,
                                            std::span<std::uint8_t> reply) noexcept;

/// "Ask again over TCP": no records, no error, and the TC bit.
[[nodiscard]] std::size_t write_truncated_reply(std::span<const std::uint8_t> packet, const Query& query,
                                                const EdnsReply& edns,
                                                std::span<std::uint8_t> reply) noexcept;

}  // namespace meridian::dns

// What a query's OPT record gets back, and what follows from its cookie (RFC 7873): counters, the summary's
// has_valid_cookie, and in `require` mode an answer that only a client with its true address can use.
//
// Steps of answer_query. HOT: no allocation, lock, clock, exception or log line.
#pragma once

#include "dns/edns.hpp"
#include "dns/query.hpp"
#include "query/answer.hpp"
#include "query/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace meridian::query {

/// Looks at the cookie, once a query. The cookie to send back, if the query had one and cookies are on.
[[nodiscard]] std::optional<dns::CookiePayload> take_cookie(std::span<const std::uint8_t> payload,
                                                            const Settings& settings, const Source& source,
                                                            Worker& worker) noexcept;

/// A cookie with the time of now, for whoever sent one of any kind; nothing when cookies are off. It counts
/// nothing and trusts nobody.
[[nodiscard]] std::optional<dns::CookiePayload> fresh_cookie(std::span<const std::uint8_t> payload,
                                                             const Settings& settings, const Source& source,
                                                             const Worker& worker) noexcept;

/// Takes the cookie too. The client subnet's scope is 0 until somebody says otherwise, and no error is
/// extended.
[[nodiscard]] dns::EdnsReply begin_edns(const dns::Query& query, const Settings& settings,
                                        const Source& source, Worker& worker) noexcept;

/// True in `require` mode for who has not proved its address, by TCP or by a server cookie; after begin_edns.
[[nodiscard]] bool must_prove_address(const Settings& settings, const Source& source,
                                      const Worker& worker) noexcept;

/// BADCOOKIE with a server cookie to come back with, or TC for a client without cookies.
[[nodiscard]] std::size_t ask_for_proof(const dns::Query& query, dns::EdnsReply& edns,
                                        std::span<const std::uint8_t> packet, std::span<std::uint8_t> reply,
                                        Worker& worker) noexcept;

/// Answers a query that has a cookie and no question (RFC 7873 5.4). `cookie` is take_cookie's.
[[nodiscard]] std::size_t answer_cookie_query(const dns::QueryError& query, const dns::CookiePayload& cookie,
                                              std::span<const std::uint8_t> packet,
                                              std::span<std::uint8_t> reply, Worker& worker) noexcept;

}  // namespace meridian::query

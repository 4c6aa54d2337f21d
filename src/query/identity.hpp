// Questions of class CH about the server itself: id.server and hostname.bind (RFC 4892), version.server and
// version.bind. What is told, and whether, stands in the site file.
//
// HOT: no allocation, lock, clock, exception or log line.
#pragma once

#include "dns/query.hpp"
#include "query/settings.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace meridian::query {

/// The TXT record that answers a query of class CH, as rdata with its length in front; empty when it is to be
/// refused: switched off, another name, or another type than TXT and ANY.
[[nodiscard]] std::span<const std::uint8_t> find_identity(const Settings& settings,
                                                          const dns::Query& query) noexcept;

/// `text`, at most 255 bytes, in that form. Not HOT.
[[nodiscard]] std::vector<std::uint8_t> identity_record(std::string_view text);

}  // namespace meridian::query

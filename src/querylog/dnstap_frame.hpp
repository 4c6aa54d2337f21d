// A record as a dnstap message (https://dnstap.info): protobuf, one frame. Not HOT.
//
// An answer is AUTH_RESPONSE with its query and both times; a query that got none is AUTH_QUERY.
#pragma once

#include "querylog/record.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace meridian::querylog {

/// Who sends the frames.
struct DnstapSender {
  std::string identity;  ///< The site's name, as in NSID.
  std::string version;   ///< "meridian 0.1.0"
};

/// Appends one frame to `out`.
void append_dnstap_frame(std::vector<std::uint8_t>& out, const Record& record, const DnstapSender& sender);

}  // namespace meridian::querylog

// What programs with an audit log share: which reasons they take, and a line of it as their APIs have it.
#pragma once

#include "journal/rows.hpp"

#include <boost/json/object.hpp>

#include <string_view>

namespace meridian::journal {

/// One line of at most limits::kShedReasonBytesMax bytes of UTF-8.
[[nodiscard]] bool is_sound_reason(std::string_view reason);

/// As GET /v1/audit and events have it.
[[nodiscard]] boost::json::object to_json(const AuditRow& row);

}  // namespace meridian::journal

#include "journal/audit.hpp"

#include "base/limits.hpp"
#include "base/utc.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include <algorithm>

namespace meridian::journal {

namespace json = boost::json;

bool is_sound_reason(std::string_view reason) {
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  };
  if (reason.size() > base::limits::kShedReasonBytesMax || std::ranges::any_of(reason, is_control))
    return false;
  boost::system::error_code error;
  json::parse(json::serialize(json::string(reason)), error);
  return !error;
}

json::object to_json(const AuditRow& row) {
  return {{"id", row.id},         {"at", base::to_utc_ms(row.at)}, {"who", row.who},
          {"action", row.action}, {"target", row.target},          {"details", row.details},
          {"reason", row.reason}, {"result", row.result}};
}

}  // namespace meridian::journal

#include "http/parameters.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/params_encoded_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace meridian::http {

Response error_response(unsigned status, std::string_view message) {
  return {status, boost::json::serialize(boost::json::object{{"error", message}})};
}

Response ok_response(const boost::json::object& body) { return {200, boost::json::serialize(body)}; }

boost::json::value time_json(const std::optional<base::WallTime>& time) {
  if (!time) return nullptr;
  return boost::json::value(boost::json::string(base::to_utc(*time)));
}

std::string read_parameters(const std::string& query,
                            std::initializer_list<std::pair<std::string_view, std::string*>> known) {
  if (query.empty()) return {};
  const std::string text = "?" + query;  // what url looks into
  const auto url = boost::urls::parse_relative_ref(text);
  if (!url) return "the query string is malformed";
  for (const auto& param : url->params()) {
    const auto* const found =
        std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.first == param.key; });
    if (found == known.end()) return fmt::format("unknown parameter '{}'", std::string{param.key});
    *found->second = param.value;
  }
  return {};
}

base::Expected<std::size_t, std::string> read_limit(const std::string& text) {
  if (text.empty()) return 100;
  const auto number = parse_number<std::size_t>(text);
  if (number && *number > 0 && *number <= base::limits::kJournalRowsRead) return *number;
  return base::unexpected(fmt::format("limit is 1 to {}", base::limits::kJournalRowsRead));
}

base::Expected<std::optional<base::WallTime>, std::string> read_end(const std::string& until,
                                                                    const std::string& lasts,
                                                                    base::WallTime begins) {
  constexpr auto kMax = base::limits::kShedSecondsMax;
  if (!until.empty() && !lasts.empty()) return base::unexpected(std::string{"give for= or until=, not both"});
  if (!until.empty()) {
    auto end = base::parse_utc(until);
    if (end) return end;
    return base::unexpected(fmt::format("until is a time in UTC, as 2026-11-27T03:00Z, not '{}'", until));
  }
  if (lasts.empty()) return std::nullopt;
  const auto number = parse_number<std::uint32_t>(lasts);
  if (!number || *number == 0 || *number > kMax)
    return base::unexpected(fmt::format("for=SECONDS is 1 to {}", kMax));
  return begins + std::chrono::seconds{*number};
}

}  // namespace meridian::http

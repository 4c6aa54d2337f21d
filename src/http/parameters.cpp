#include "http/parameters.hpp"

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/params_encoded_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace meridian::http {

Response error_response(unsigned status, std::string_view message) {
  return {status, boost::json::serialize(boost::json::object{{"error", message}})};
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

}  // namespace meridian::http

// What the handlers of the control API share: parameters in, errors out.
#pragma once

#include "base/expected.hpp"
#include "base/utc.hpp"
#include "http/http_server.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace meridian::http {

/// `{"error": …}`
[[nodiscard]] Response error_response(unsigned status, std::string_view message);
[[nodiscard]] Response ok_response(const boost::json::object& body);

/// As answers have it; nothing: null.
[[nodiscard]] boost::json::value time_json(const std::optional<base::WallTime>& time);

/// The route that a request is for, of those of an API, each with a `method` and a `path`; nullptr: none.
template <typename Routes>
[[nodiscard]] auto find_route(const Request& request, const Routes& routes)
    -> decltype(&*std::begin(routes)) {
  const auto found = std::ranges::find_if(routes, [&](const auto& route) {
    return route.path == request.path && route.method == request.method;
  });
  return found == std::end(routes) ? nullptr : &*found;
}

/// The answer to a request that is for none of the routes, which stand one path after the other: 405 with the
/// methods that its path takes, or 404 with the paths that there are.
template <typename Routes>
[[nodiscard]] Response refuse_route(const Request& request, const Routes& routes) {
  std::string methods;
  std::string paths;
  std::string_view last;
  for (const auto& route : routes) {
    if (route.path == request.path) methods += (methods.empty() ? "" : " or ") + std::string{route.method};
    if (route.path != last) paths += (paths.empty() ? "" : ", ") + std::string{route.path};
    last = route.path;
  }
  if (!methods.empty()) return error_response(405, request.path + " takes " + methods);
  return error_response(404, "no such path '" + request.path + "'; there are " + paths);
}

/// Fills in the parameters of a query string; the result is what is wrong with it, or "".
[[nodiscard]] std::string read_parameters(
    const std::string& query, std::initializer_list<std::pair<std::string_view, std::string*>> known);

/// How many rows are wanted of the journal: 100 unless it is said. The error is what is wrong with it.
[[nodiscard]] base::Expected<std::size_t, std::string> read_limit(const std::string& text);

/// When something ends that begins then: `until` a time, or after it has lasted for so many seconds; nothing:
/// when somebody ends it. The error is what is wrong with it.
[[nodiscard]] base::Expected<std::optional<base::WallTime>, std::string> read_end(const std::string& until,
                                                                                  const std::string& lasts,
                                                                                  base::WallTime begins);

/// The whole text as a number.
template <typename Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace meridian::http

// What the handlers of the control API share: parameters in, errors out.
#pragma once

#include "base/expected.hpp"
#include "base/utc.hpp"
#include "http/http_server.hpp"

#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace meridian::http {

/// `{"error": …}`
[[nodiscard]] Response error_response(unsigned status, std::string_view message);

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

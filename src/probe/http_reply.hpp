// What an HTTP reply must be for an endpoint to be up, and the weight it asks for: pure functions of values.
#pragma once

#include "base/expected.hpp"
#include "config/check.hpp"

#include <regex.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace meridian::probe {

[[nodiscard]] bool is_wanted(std::span<const config::HttpCheck::StatusRange> wanted, long status) noexcept;

/// "status 503, wanted 200-299, 301".
[[nodiscard]] std::string status_cause(std::span<const config::HttpCheck::StatusRange> wanted, long status);

/// A POSIX extended regular expression.
class BodyRegex {
 public:
  /// The error is what the library says.
  [[nodiscard]] static base::Expected<BodyRegex, std::string> compile(const std::string& text);

  /// Anywhere in the body; `.` and `^` do not stop at line ends.
  [[nodiscard]] bool matches(std::string_view body) const noexcept;

 private:
  struct Free {
    void operator()(regex_t* regex) const noexcept;
  };
  explicit BodyRegex(std::unique_ptr<regex_t, Free> regex) : regex_(std::move(regex)) {}
  std::unique_ptr<regex_t, Free> regex_;
};

/// A whole number from 0 to 100; the error says what stands there instead.
[[nodiscard]] base::Expected<std::uint32_t, std::string> parse_weight(std::string_view text);

/// The weight under a top-level key of a JSON object; nullopt: it has no such key. The error says what is
/// wrong with the body or with the value.
[[nodiscard]] base::Expected<std::optional<std::uint32_t>, std::string> find_weight(std::string_view body,
                                                                                    const std::string& key);

/// The value of a header line, `name` compared without regard to case; nullopt: another header.
[[nodiscard]] std::optional<std::string_view> find_header_value(std::string_view line, std::string_view name);

/// Whether a redirect from `from` to `to` (absolute URLs) stays with the endpoint: http or https, and the
/// same host or the one that `host` names. The error is a cause: "redirect: to other.example, …".
[[nodiscard]] base::Expected<void, std::string> check_redirect(const std::string& from, const std::string& to,
                                                               const std::string& host);

}  // namespace meridian::probe

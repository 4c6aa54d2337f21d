// Structured event lines: one event a change of state, fields as key=value. The only user of spdlog.
//
// Never called on the query path. Thread-safe. Every event name stands in docs/events.md (a test checks).
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace meridian::base {

enum class LogLevel { Debug, Info, Warning, Error };

/// One field of an event line; values with spaces are quoted when printed.
struct LogField {
  template <typename T>
  LogField(std::string_view field_name, const T& field_value)  // NOLINT(google-explicit-constructor)
      : name(field_name), value(fmt::format("{}", field_value)) {}

  std::string_view name;
  std::string value;
};

/// `event=map_loaded epoch=3 took_ms=41` on standard error.
void log_event(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

/// Lines below this level are dropped. Default Info.
void set_log_level(LogLevel level);

/// The line without time and level, as log_event prints it. For tests.
[[nodiscard]] std::string format_event(std::string_view event, std::initializer_list<LogField> fields);

}  // namespace meridian::base

// What is wrong in a file an operator wrote, where, and what would be right.
//
// Collected, never thrown: all problems of a run are shown at once. Not thread-safe; one list a load.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::base {

/// A place in a file; lines and columns count from 1, 0 means "the whole file".
struct Location {
  std::string file;
  int line = 0;
  int column = 0;

  friend auto operator<=>(const Location&, const Location&) = default;
};

/// `services.yaml:41:13`, without the parts that are 0.
[[nodiscard]] std::string to_string(const Location& location);

enum class Severity { Error, Warning };

struct Diagnostic {
  Severity severity = Severity::Error;
  Location where;
  std::string message;  ///< "what is wrong; what would be right", no final full stop.
};

/// `services.yaml:41:13: message`, with `warning: ` before the message of a warning.
[[nodiscard]] std::string to_string(const Diagnostic& diagnostic);

class Diagnostics {
 public:
  /// Adds one problem. Past limits::kDiagnosticsMax only the count grows.
  void error(Location where, std::string message);
  void warning(Location where, std::string message);
  void append(const Diagnostics& other);

  [[nodiscard]] bool has_errors() const noexcept { return error_count_ > 0; }
  [[nodiscard]] bool empty() const noexcept { return error_count_ == 0 && warning_count_ == 0; }
  [[nodiscard]] std::size_t error_count() const noexcept { return error_count_; }
  [[nodiscard]] std::size_t warning_count() const noexcept { return warning_count_; }

  /// Sorted by file, line and column.
  [[nodiscard]] std::vector<Diagnostic> sorted() const;

  /// One line a problem, sorted, each ending in a newline.
  [[nodiscard]] std::string to_text() const;

 private:
  void add(Severity severity, Location where, std::string message);

  std::vector<Diagnostic> items_;
  std::size_t error_count_ = 0;
  std::size_t warning_count_ = 0;
};

/// The candidate nearest to `word` by edit distance, or "" when none is near (more than a third of it wrong).
[[nodiscard]] std::string_view find_nearest(std::string_view word,
                                            const std::vector<std::string>& candidates);

/// "; did you mean 'x'?" for find_nearest's answer, or "".
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace meridian::base

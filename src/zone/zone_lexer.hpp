// The text of a zone file, cut into entries and tokens (RFC 1035 5.1): comments, quotes, parentheses, lines.
// Knows nothing of what an entry means.
//
// Off the hot path; one thread. Tokens are views into the text.
#pragma once

#include "base/diagnostics.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace meridian::zone {

struct Token {
  std::string_view text;  ///< As written, with escapes, and with the quotes of a quoted token.
  int line = 0;
  int column = 0;

  [[nodiscard]] bool quoted() const noexcept { return text.starts_with('"'); }
};

/// One directive or record; has at least one token.
struct Entry {
  std::vector<Token> tokens;
  bool starts_blank = false;  ///< The line starts with a blank: the owner is the last one.
};

class ZoneLexer {
 public:
  /// `text` and `file` must outlive the lexer.
  ZoneLexer(std::string_view text, std::string_view file) noexcept;

  /// Reads the next entry; false at the end. An entry that cannot be cut is reported and left out.
  [[nodiscard]] bool next(Entry& entry, base::Diagnostics& problems);

 private:
  enum class Step { More, Done, Bad };

  [[nodiscard]] Step read_entry(Entry& entry, base::Diagnostics& problems);
  [[nodiscard]] bool read_token(Entry& entry, base::Diagnostics& problems);
  [[nodiscard]] bool skip_quoted(base::Diagnostics& problems);
  void end_line();
  void skip_to_next_entry();
  [[nodiscard]] int column() const noexcept { return static_cast<int>(at_ - line_start_) + 1; }
  void error(base::Diagnostics& problems, int line, int column, std::string message) const;

  std::string_view text_;
  std::string_view file_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
  int depth_ = 0;  // open parentheses
  int open_line_ = 0;
  int open_column_ = 0;
};

}  // namespace meridian::zone

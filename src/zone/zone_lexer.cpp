#include "zone/zone_lexer.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace meridian::zone {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool ends_token(char c) { return is_blank(c) || c == '\n' || c == ';' || c == '(' || c == ')'; }

}  // namespace

ZoneLexer::ZoneLexer(std::string_view text, std::string_view file) noexcept : text_(text), file_(file) {
  if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
}

void ZoneLexer::error(base::Diagnostics& problems, int line, int column, std::string message) const {
  problems.error({std::string{file_}, line, column}, std::move(message));
}

bool ZoneLexer::next(Entry& entry, base::Diagnostics& problems) {
  while (at_ < text_.size()) {
    switch (read_entry(entry, problems)) {
      case Step::Done:
        return true;
      case Step::Bad:
        skip_to_next_entry();
        break;
      case Step::More:
        break;
    }
  }
  return false;
}

void ZoneLexer::end_line() {
  ++at_;
  ++line_;
  line_start_ = at_;
}

/// After a bad entry: to the next line that starts with an owner name or a directive. Lines that start with a
/// blank or a closing parenthesis most likely belong to the bad entry, and would only be reported as
/// nonsense.
void ZoneLexer::skip_to_next_entry() {
  const bool inside = depth_ > 0;
  depth_ = 0;
  do {
    at_ = std::min(text_.find('\n', at_), text_.size());
    if (at_ < text_.size()) end_line();
  } while (inside && at_ < text_.size() && (ends_token(text_[at_]) || text_[at_] == '"'));
}

/// One line, or all lines of a parenthesis. More: there was nothing on it.
ZoneLexer::Step ZoneLexer::read_entry(Entry& entry, base::Diagnostics& problems) {
  entry.tokens.clear();
  entry.starts_blank = is_blank(text_[at_]);
  const std::size_t start = at_;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\n') {
      end_line();
      if (depth_ == 0) break;
    } else if (is_blank(c)) {
      ++at_;
    } else if (c == ';') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == '(') {
      if (depth_++ == 0) {
        open_line_ = line_;
        open_column_ = column();
      }
      ++at_;
    } else if (c == ')') {
      if (depth_-- == 0) {
        depth_ = 0;
        error(problems, line_, column(), "')' without a '(' before it; remove it");
        return Step::Bad;
      }
      ++at_;
    } else if (!read_token(entry, problems)) {
      return Step::Bad;
    }
    if (at_ - start > base::limits::kZoneEntryBytesMax && !entry.tokens.empty()) {
      const auto& first = entry.tokens.front();
      error(problems, first.line, first.column,
            fmt::format(
                "the entry is longer than {} bytes{}", base::limits::kZoneEntryBytesMax,
                depth_ > 0 ? fmt::format("; is the '(' of line {} closed?", open_line_) : std::string{}));
      return Step::Bad;
    }
  }
  if (depth_ > 0) {
    error(problems, open_line_, open_column_,
          "'(' is never closed; write ')' after the last line of the record");
    depth_ = 0;
    return Step::Bad;
  }
  return entry.tokens.empty() ? Step::More : Step::Done;
}

/// Moves past a quoted string that starts here.
bool ZoneLexer::skip_quoted(base::Diagnostics& problems) {
  const int start = column();
  for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
    if (text_[at_] == '"') {
      ++at_;
      return true;
    }
    if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
  }
  error(problems, line_, start,
        "the quote is not closed on its line; write '\"' at its end, and '\\\"' for one inside");
  return false;
}

bool ZoneLexer::read_token(Entry& entry, base::Diagnostics& problems) {
  const std::size_t start = at_;
  const int start_column = column();
  const bool quoted = text_[at_] == '"';
  while (at_ < text_.size() && !ends_token(text_[at_])) {
    if (text_[at_] == '"') {
      // A quote inside a token goes on with it (alpn="h2,h3"), one at its start ends with it ("a""b" are
      // two).
      if (!skip_quoted(problems)) return false;
      if (quoted) break;
      continue;
    }
    if (text_[at_] == '\\') {
      if (at_ + 1 >= text_.size() || text_[at_ + 1] == '\n' || text_[at_ + 1] == '\r') {
        error(problems, line_, column(),
              "'\\' at the end of the line escapes nothing; use parentheses to go on");
        return false;
      }
      ++at_;
    }
    ++at_;
  }
  entry.tokens.push_back({text_.substr(start, at_ - start), line_, start_column});
  return true;
}

}  // namespace meridian::zone

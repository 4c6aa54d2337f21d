#include "importer/zone_edit.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace meridian::importer {

void ZoneEdit::replace(std::string_view token, std::string with) {
  changes_.push_back({offset_of(token), token.size(), std::move(with)});
}

void ZoneEdit::insert(std::size_t at, std::string what) { changes_.push_back({at, 0, std::move(what)}); }

std::size_t ZoneEdit::line_start(std::size_t at) const noexcept {
  const auto newline = at == 0 ? std::string_view::npos : text_.rfind('\n', at - 1);
  return newline == std::string_view::npos ? 0 : newline + 1;
}

void ZoneEdit::insert_at_line(std::string_view token, std::string what) {
  insert(line_start(offset_of(token)), std::move(what));
}

std::size_t ZoneEdit::end_of(const zone::Entry& entry) const noexcept {
  std::size_t at = line_start(offset_of(entry.tokens.front().text));
  std::size_t token = 0;
  int depth = 0;
  for (; at < text_.size(); ++at) {
    if (token < entry.tokens.size() && at == offset_of(entry.tokens[token].text)) {
      at += entry.tokens[token++].text.size() - 1;
      continue;
    }
    if (text_[at] == ';') at = std::min(text_.find('\n', at), text_.size());
    if (at == text_.size()) break;
    if (text_[at] == '(') ++depth;
    if (text_[at] == ')') --depth;
    if (text_[at] == '\n' && depth <= 0 && token == entry.tokens.size()) break;
  }
  return at;
}

void ZoneEdit::comment_lines(const zone::Entry& entry) {
  const auto end = end_of(entry);
  auto at = line_start(offset_of(entry.tokens.front().text));
  while (at < end) {
    insert(at, ";");
    const auto newline = text_.find('\n', at);
    if (newline == std::string_view::npos) break;
    at = newline + 1;
  }
}

void ZoneEdit::insert_after(const zone::Entry& entry, std::string line) {
  const auto end = end_of(entry);
  insert(std::min(end + 1, text_.size()), end < text_.size() ? std::move(line) : "\n" + line);
}

void ZoneEdit::comment_out(const zone::Entry& entry, std::string_view why) {
  insert(line_start(offset_of(entry.tokens.front().text)), fmt::format("; {}:\n", why));
  comment_lines(entry);
}

void ZoneEdit::put_in_place(const zone::Entry& entry, const std::string& record) {
  comment_lines(entry);
  insert_after(entry, record + "\n");
}

std::string ZoneEdit::apply() && {
  // Within a commented line a token may have been replaced too: an insertion at the same place goes first.
  std::ranges::stable_sort(changes_, [](const Change& left, const Change& right) {
    return std::pair{left.at, left.length != 0} < std::pair{right.at, right.length != 0};
  });
  std::string out;
  std::size_t copied = 0;
  for (const auto& change : changes_) {
    out += text_.substr(copied, change.at - copied);
    out += change.text;
    copied = change.at + change.length;
  }
  return out += text_.substr(copied);
}

std::optional<std::string> split_character_string(std::string_view token) {
  if (token.starts_with('"')) token = token.substr(1, token.size() - 2);
  std::vector<std::string_view> units;  // a byte each, as written
  for (std::size_t at = 0; at < token.size();) {
    std::size_t length = 1;
    if (token[at] == '\\')
      length = at + 1 < token.size() && token[at + 1] >= '0' && token[at + 1] <= '9' ? 4 : 2;
    units.push_back(token.substr(at, length));
    at += length;
  }
  constexpr auto kMost = base::limits::kCharacterStringBytesMax;
  if (units.size() <= kMost) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (i % kMost == 0) out += i == 0 ? "\"" : "\" \"";
    out += units[i] == "\"" ? "\\\"" : std::string{units[i]};
  }
  return out + '"';
}

}  // namespace meridian::importer

// Changes to the text of a zone file that leave everything else in it as it was written.
//
// Off the hot path; one thread. Tokens and entries are those a ZoneLexer made of the same text.
#pragma once

#include "zone/zone_lexer.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::importer {

class ZoneEdit {
 public:
  /// `text` must outlive the edit.
  explicit ZoneEdit(std::string_view text) noexcept : text_(text) {}

  /// `token` is a view into the text.
  void replace(std::string_view token, std::string with);
  void insert(std::size_t at, std::string what);
  /// At the start of the token's line.
  void insert_at_line(std::string_view token, std::string what);
  /// On a line of its own behind the entry.
  void insert_after(const zone::Entry& entry, std::string line);
  /// Makes comments of the entry's lines, with `why` on a line before them.
  void comment_out(const zone::Entry& entry, std::string_view why);
  /// Makes comments of the entry's lines, and puts a record behind them.
  void put_in_place(const zone::Entry& entry, const std::string& record);

  [[nodiscard]] std::string apply() &&;

 private:
  struct Change {
    std::size_t at = 0;
    std::size_t length = 0;
    std::string text;
  };

  [[nodiscard]] std::size_t offset_of(std::string_view token) const noexcept {
    return static_cast<std::size_t>(token.data() - text_.data());
  }
  [[nodiscard]] std::size_t line_start(std::size_t at) const noexcept;
  /// Where the entry's last line ends: at its newline, or at the end of the text.
  [[nodiscard]] std::size_t end_of(const zone::Entry& entry) const noexcept;
  void comment_lines(const zone::Entry& entry);

  std::string_view text_;
  std::vector<Change> changes_;
};

/// A character string of more than 255 bytes, quoted or not, as several quoted ones; nullopt for a shorter
/// one.
[[nodiscard]] std::optional<std::string> split_character_string(std::string_view token);

}  // namespace meridian::importer

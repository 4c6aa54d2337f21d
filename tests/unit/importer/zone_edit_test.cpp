#include "importer/zone_edit.hpp"

#include <doctest/doctest.h>

namespace meridian::importer {
namespace {

/// Applies `change` to the entry with this number.
template <typename Change>
std::string edited(std::string_view text, int number, Change change) {
  zone::ZoneLexer lexer(text, "zone");
  zone::Entry entry;
  base::Diagnostics problems;
  ZoneEdit edit(text);
  for (int i = 0; lexer.next(entry, problems); ++i) {
    if (i == number) change(edit, entry);
  }
  CHECK(problems.to_text() == "");
  return std::move(edit).apply();
}

TEST_SUITE_BEGIN("importer/zone_edit");

TEST_CASE("an entry of several lines becomes a comment to its last line, and its neighbours stay") {
  const auto* text = "a A 192.0.2.1\nwww 300 ( ; one\n  DYNA ; two )\n  x!y ) ; three\nb A 192.0.2.2 ; (\n";
  CHECK(edited(text, 1, [](ZoneEdit& edit, const zone::Entry& entry) { edit.comment_out(entry, "gone"); }) ==
        "a A 192.0.2.1\n; gone:\n;www 300 ( ; one\n;  DYNA ; two )\n;  x!y ) ; three\nb A 192.0.2.2 ; (\n");
}

TEST_CASE("a record in place of an entry comes behind it, also at the end of a text without newline") {
  const auto put = [](ZoneEdit& edit, const zone::Entry& entry) {
    edit.put_in_place(entry, "w A 192.0.2.9");
  };
  CHECK(edited("w DYNA x!y\nb A 192.0.2.2\n", 0, put) == ";w DYNA x!y\nw A 192.0.2.9\nb A 192.0.2.2\n");
  CHECK(edited("w DYNA x!y", 0, put) == ";w DYNA x!y\nw A 192.0.2.9\n");
}

TEST_CASE("tokens are replaced where they stand") {
  CHECK(edited("a\tNS  b ; keep\n", 0, [](ZoneEdit& edit, const zone::Entry& entry) {
          edit.replace(entry.tokens[2].text, "c.example.");
          edit.insert_at_line(entry.tokens[2].text, "$TTL 1\n");
        }) == "$TTL 1\na\tNS  c.example. ; keep\n");
}

TEST_CASE("a long character string is cut at 255 bytes, and an escape is one byte") {
  CHECK_FALSE(split_character_string(std::string(255, 'a')).has_value());
  CHECK_FALSE(split_character_string('"' + std::string(255, 'a') + '"').has_value());
  CHECK(split_character_string(std::string(256, 'a')) == '"' + std::string(255, 'a') + "\" \"a\"");
  CHECK(split_character_string('"' + std::string(254, 'a') + "\\100b\"") ==
        '"' + std::string(254, 'a') + "\\100\" \"b\"");
  CHECK(split_character_string(std::string(254, 'a') + "\\\"b") ==
        '"' + std::string(254, 'a') + "\\\"\" \"b\"");
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::importer

#include "config/yaml_tree.hpp"

#include "base/limits.hpp"
#include "unit/config/messages.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::config {
namespace {

using test::messages;
using test::Row;

/// `[a, {b: c}]` for any tree, quotes left out.
std::string show(const YamlNode& node) {
  std::string text;
  switch (node.kind) {
    case YamlNode::Kind::Null:
      return "null";
    case YamlNode::Kind::Scalar:
      return node.text;
    case YamlNode::Kind::List:
      for (const auto* item : node.items) text += (text.empty() ? "" : ", ") + show(*item);
      return "[" + text + "]";
    case YamlNode::Kind::Mapping:
      for (std::size_t i = 0; i < node.items.size(); i += 2) {
        text += (text.empty() ? "" : ", ") + show(*node.items[i]) + ": " + show(*node.items[i + 1]);
      }
      return "{" + text + "}";
  }
  return text;
}

std::string parse_and_show(std::string_view text) {
  base::Diagnostics diagnostics;
  const auto tree = parse_yaml(text, "file.yaml", diagnostics);
  return tree ? show(tree->root()) : messages(diagnostics);
}

TEST_SUITE_BEGIN("config/yaml_tree");

TEST_CASE("scalars stay the text that was written") {
  struct Form {
    std::string text;
    std::string tree;
  };
  const Form forms[] = {
      {"a: NO", "{a: NO}"},
      {"[on, off, yes, 1e3, 0x10, 1_000, 12:30:45, 2027-03-01]",
       "[on, off, yes, 1e3, 0x10, 1_000, 12:30:45, 2027-03-01]"},
      {"NO: yes", "{NO: yes}"},
      {"a: 'it''s'\nb: \"\\u00fc\"", "{a: it's, b: ü}"},
      {"a: !!str NO", "{a: NO}"},
      {"a: 2001:db8::/32", "{a: 2001:db8::/32}"},
      {"[2001:db8::1, ::1]", "[2001:db8::1, ::1]"},
      {"a:\nb: ~", "{a: null, b: null}"},
      {"a: ''", "{a: }"},
      {"a: |\n  two\n  lines\n", "{a: two\nlines\n}"},
      {"", "null"},
      {"# only a comment\n", "null"},
      {"\xef\xbb\xbf"
       "a: byte order mark",
       "{a: byte order mark}"},
      {"a: 1\r\nb: 2\r\n", "{a: 1, b: 2}"},
      {"---\na: 1\n...\n", "{a: 1}"},
      {"%YAML 1.2\n---\na: 1\n", "{a: 1}"},
      {"a: 1\t# a tab before a comment\nb: 2\tx", "{a: 1, b: 2\tx}"},
      {"a: &eu [DE, AT]\nb: *eu", "{a: [DE, AT], b: [DE, AT]}"},
  };
  for (const auto& form : forms) {
    CAPTURE(form.text);
    CHECK(parse_and_show(form.text) == form.tree);
  }
}

TEST_CASE("nodes know their line and column, and a value left out has its key's") {
  base::Diagnostics diagnostics;
  const auto tree = parse_yaml("a: 1\nb:\n  - {c: d}\ne:\n", "file.yaml", diagnostics);
  REQUIRE(tree);
  const auto& items = tree->root().items;
  REQUIRE(items.size() == 6);
  CHECK(items[1]->line == 1);
  CHECK(items[1]->column == 4);
  CHECK(items[3]->items[0]->line == 3);
  CHECK(items[3]->items[0]->column == 5);
  CHECK(items[5]->line == 4);
  CHECK(items[5]->column == 1);
}

TEST_CASE("what is no YAML gets one message where it is") {
  const Row rows[] = {
      {"tab", "a:\n\tb: 1\n\tc: 2\n", "2:1: a tab indents this line; YAML allows spaces only"},
      {"tab after spaces", "a:\n  \tb: 1\n", "2:3: a tab indents this line; YAML allows spaces only"},
      {"two keys in a line", "a: b: c",
       "1:5: this ':' stands where no key can be; check the indentation, and quote text that holds ': '"},
      {"key outdented", "a:\n    b: 1\n  c: 2\n",
       "3:3: expected the next key of the mapping above; check quotes and indentation"},
      {"item among keys", "a: 1\n- b\n",
       "2:1: expected the next key of the mapping above; check quotes and indentation"},
      {"item in a value", "a: - b", "1:4: a list item ('- ') can't stand here; check the indentation"},
      {"key among items", "- a\nb: 1\n", "2:1: this belongs to nothing above; check the indentation"},
      {"list left open", "a: [b, c\n", "2:1: expected ',' or ']' to go on with or end the '[' before"},
      {"mapping left open", "a: {b: c\n", "2:1: expected ',' or '}' to go on with or end the '{' before"},
      {"closed twice", "a: b\n]", "2:1: this ']' or '}' closes nothing"},
      {"quote left open", "a: \"b\n", "2:1: the file ends inside quotes; one is missing"},
      {"single quote left open", "a: 'b\nc: 1\n", "3:1: the file ends inside quotes; one is missing"},
      {"quote left open in the last line", "a: \"b", "1:6: the file ends inside quotes; one is missing"},
      {"text after quotes", "a: \"b\" c",
       "1:8: expected the next key of the mapping above; check quotes and indentation"},
      {"text after a list", "a: [b] c",
       "1:8: expected the next key of the mapping above; check quotes and indentation"},
      {"text after a mapping", "a: {b: c} d",
       "1:11: expected the next key of the mapping above; check quotes and indentation"},
      {"missing comma", "a: {b: c d: e}", "1:11: expected ',' or '}' to go on with or end the '{' before"},
      {"item outdented", "a:\n    - b\n  - c\n",
       "3:3: expected the next key of the mapping above; check quotes and indentation"},
      {"block scalar", "a: |x\n b", "1:5: unexpected character in block scalar"},
      {"tab before a comment", "a: 1\n\t# b", "2:1: a tab indents this line; YAML allows spaces only"},
      {"document in quotes", "a: \"b\n---\nc\"", "2:1: '---' or '...' inside quotes; one is missing above"},
      {"reserved character", "a: @b", "1:4: this character can't start a value; quote the text"},
      {"unknown alias", "a: *b", "1:4: no anchor (&name) of this name stands above"},
      {"escape", "a: \"\\q\"", "1:7: unknown escape character: q"},
      {"two documents", "a: 1\n---\nb: 2\n", "2:1: a second document starts here; one file holds one"},
      {"list as a key", "? [a]\n: b\n", "1:3: a key must be text; quote it"},
      {"empty key", ": b\n", "1:1: a key must be text; quote it"},
      {"tag", "a: !color red", "1:4: the tag '!color' is not supported; remove it"},
      {"tag on a list", "a: !x [b]", "1:4: the tag '!x' is not supported; remove it"},
      {"tag on a mapping", "a: !x {b: c}", "1:4: the tag '!x' is not supported; remove it"},
      {"alias inside itself", "a: &x [b, *x]", "1:11: an alias can't stand inside what it names"},
      {"byte 4 ends yaml-cpp's input", "a: 1\nb: \x04\n", "2:4: byte 0x04 is a control character; remove it"},
      {"escape sequence", "a: \x1b[2J", "1:4: byte 0x1b is a control character; remove it"},
      {"Latin-1", "a: Z\xfcrich", "1:5: byte 0xfc is not UTF-8; save the file as UTF-8"},
      {"overlong", "\xc0\xaf", "1:1: byte 0xc0 is not UTF-8; save the file as UTF-8"},
      {"surrogate", "\xed\xa0\x80", "1:1: byte 0xed is not UTF-8; save the file as UTF-8"},
      {"past U+10FFFF", "\xf4\x90\x80\x80", "1:1: byte 0xf4 is not UTF-8; save the file as UTF-8"},
      {"cut character", "a: \xe2\x82", "1:4: byte 0xe2 is not UTF-8; save the file as UTF-8"},
      {"UTF-16",
       "\xff\xfe"
       "a",
       "1:1: byte 0xff is not UTF-8; save the file as UTF-8"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(parse_and_show(row.text) == row.message);
  }
}

TEST_CASE("of keys that stand twice the first is kept and each other one is an error") {
  base::Diagnostics diagnostics;
  const auto tree = parse_yaml("a: 1\nb: 2\na: 3\nc: {d: 4, d: 5}\na: 6\n", "file.yaml", diagnostics);
  REQUIRE(tree);
  CHECK(show(tree->root()) == "{a: 1, b: 2, c: {d: 4}}");
  CHECK(messages(diagnostics) ==
        "3:1: 'a' stands twice in this mapping; the first is in line 1\n"
        "4:11: 'd' stands twice in this mapping; the first is in line 4\n"
        "5:1: 'a' stands twice in this mapping; the first is in line 1");
}

TEST_CASE("aliases can't make a small file large") {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const auto previous = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) text += (j == 0 ? "" : ", ") + previous;
    text += "]\n";
  }
  CHECK(parse_and_show(text) ==
        "7:25: more than 4000000 values, counting what aliases repeat; split the file");
}

TEST_CASE("deep nesting ends in a message") {
  const std::string text(100'000, '[');
  CHECK(parse_and_show(text).ends_with(": more than 32 lists and mappings inside each other"));
}

TEST_CASE("a file past the limit is refused before it is parsed") {
  const std::string text(base::limits::kYamlFileBytesMax + 1, ' ');
  base::Diagnostics diagnostics;
  CHECK_FALSE(parse_yaml(text, "file.yaml", diagnostics));
  CHECK(diagnostics.to_text() ==
        "file.yaml: the file has 67108865 bytes; at most 67108864 are read, split it\n");
}

TEST_CASE("quoted text is short and printable text moves no cursor") {
  CHECK(quoted("fra") == "'fra'");
  CHECK(quoted(std::string(79, 'a') + "üb") == "'" + std::string(79, 'a') + "…'");
  CHECK(printable("a\x1b[2J\nb\x7f") == "a\\x1b[2J\\x0ab\\x7f");
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config

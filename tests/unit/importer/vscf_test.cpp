#include "importer/vscf.hpp"

#include "unit/config/map_folder.hpp"

#include <doctest/doctest.h>

namespace meridian::importer {
namespace {

using config::test::MapFolder;

/// A node as text: {a: x, b: [y z]}.
std::string shown(const VscfNode& node) {
  if (node.is_text()) return node.text;
  std::string text;
  for (const auto& item : node.items) text += (text.empty() ? "" : " ") + shown(item);
  for (const auto& entry : node.entries)
    text += (text.empty() ? "" : ", ") + entry.key + ": " + shown(entry.value);
  return node.is_list() ? "[" + text + "]" : "{" + text + "}";
}

std::string parsed(std::string_view text) {
  base::Diagnostics diagnostics;
  const auto node = parse_vscf(text, "config", diagnostics);
  CHECK(node.has_value() != diagnostics.has_errors());
  return node ? shown(*node) : diagnostics.to_text();
}

TEST_SUITE_BEGIN("importer/vscf");

TEST_CASE("the three examples of gdnsd's manual mean the same") {
  const auto* wanted = "{options: {listen: [192.0.2.1 192.0.2.2]}}";
  CHECK(parsed("options = {\n  listen = [ 192.0.2.1, 192.0.2.2 ],\n}\n") == wanted);
  CHECK(parsed("\"options\" => {\n  listen => [ 192.0.2.1 192.0.2.2 ]\n}\n") == wanted);
  CHECK(parsed("options={listen=[192.0.2.1 192.0.2.2]}") == wanted);
}

TEST_CASE("quotes and escapes give the bytes they stand for") {
  struct Row {
    const char* text;
    const char* value;
    const char* why;
  };
  const Row rows[] = {
      {"a = example", "example", "plain"},
      {"a = \"example\"", "example", "quoted"},
      {"a = ex\\097mpl\\e", "example", "three digits are a byte, another sign is itself"},
      {"a = \"internal\\\"doublequote\"", "internal\"doublequote", "a quote in quotes"},
      {"a = white\\ space", "white space", "an escaped blank"},
      {"a = braces\\{every\\[where\\]oh\\}my", "braces{every[where]oh}my", "signs of the syntax"},
      {"a = \\092\\=\\=", "\\==", "a backslash by its number"},
      {"a = \"; # , =\"", "; # , =", "nothing is special in quotes but the quote and the backslash"},
      {"a = x$y", "x$y", "a dollar only matters in front"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(parsed(row.text) == std::string{"{a: "} + row.value + "}");
  }
}

TEST_CASE("comments of both kinds end with their line") {
  CHECK(parsed("# one\na = b ; two\n, c => [ d # three\n e ]") == "{a: b, c: [d e]}");
}

TEST_CASE("a file may be an array, and a single value stands for a list") {
  CHECK(parsed(" [ a { b = c } ] # end") == "[a {b: c}]");
  base::Diagnostics diagnostics;
  const auto node = parse_vscf("one = x\nmany = [ y z ]", "config", diagnostics);
  REQUIRE(node);
  CHECK(node->find("one")->values().size() == 1);
  CHECK(node->find("many")->values().size() == 2);
  CHECK(node->find("none") == nullptr);
}

TEST_CASE("every key and value knows where it stands") {
  base::Diagnostics diagnostics;
  const auto node = parse_vscf("a = {\n  b => [ c,\n    d ]\n}", "config", diagnostics);
  REQUIRE(node);
  const auto& b = node->find("a")->entries.front();
  CHECK(base::to_string(b.where) == "config:2:3");
  CHECK(base::to_string(b.value.items[1].where) == "config:3:5");
}

TEST_CASE("what is no vscf is told with its place") {
  struct Row {
    const char* text;
    const char* message;
  };
  const Row rows[] = {
      {"a", "config:1:2: '=>' is missing after the key 'a'\n"},
      {"a =", "config:1:4: a value is missing at the end of the file\n"},
      {"a = { b = c", "config:1:5: this '{' is never closed\n"},
      {"a = [ b", "config:1:5: this '[' is never closed\n"},
      {"a = \"b", "config:1:5: the quote is never closed\n"},
      {"a = }", "config:1:5: expected a string, a '{' or a '['\n"},
      {"a = b\na = c", "config:2:1: 'a' stands twice in this hash; the first is at config:1:1\n"},
      {"a = \\25x", "config:1:6: '\\' and a digit: write three digits from 000 to 255\n"},
      {"a = \\256", "config:1:6: '\\' and a digit: write three digits from 000 to 255\n"},
      {"a = \\", "config:1:5: '\\' at the end of the file escapes nothing\n"},
      {"[ a ] b", "config:1:7: something follows the array that is the whole file; remove it\n"},
      {"a = $x", "config:1:5: '$' starts only $include{file}; write it in quotes to mean itself\n"},
      {"a = $include{x}", "config:1:5: $include is not possible here\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(parsed(row.text) == row.message);
  }
}

TEST_CASE("nesting ends before the stack does") {
  const auto told = parsed("a = " + std::string(100'000, '['));
  CHECK(told.find("hashes and arrays nest deeper than 64") != std::string::npos);
}

TEST_CASE("an include is a value, or keys of the hash it stands in, from files, patterns and folders") {
  const MapFolder folder;
  folder.write(
      "config",
      "list = $include{ \"parts/list\" }\nhash = { own = 1, $include{parts/*.keys}, $include{empty} }\n");
  folder.write("parts/list", "[ a b ]");
  folder.write("parts/one.keys", "x = 1");
  folder.write("parts/two.keys", "y = $include{list}");
  folder.write("empty/sub/file", "z = 1");
  base::Diagnostics diagnostics;
  const auto node = load_vscf(folder.path() + "/config", diagnostics);
  CHECK(diagnostics.to_text() == "");
  REQUIRE(node);
  CHECK(shown(*node) == "{list: [a b], hash: {own: 1, x: 1, y: [a b]}}");
  CHECK(folder.without_path(base::to_string(node->find("hash")->find_entry("x")->where)) ==
        "map/parts/one.keys:1:1");
}

TEST_CASE("includes that can't be followed are told where they stand") {
  struct Row {
    const char* text;
    const char* message;
  };
  const Row rows[] = {
      {"a = $include{none}", "map/config:1:5: no file is called 'map/none'\n"},
      {"a = $include{parts/*}", "map/config:1:5: 'map/parts/*' names 2 files; as a value it must be one\n"},
      {"$include{parts/one}", "map/config:1:1: 'map/parts/one' is an array; here its keys are wanted\n"},
      {"a = $include{config}", "map/config:1:5: 'map/config' includes itself\n"},
      {"x = 1 $include{parts/two}",
       "map/parts/two:1:1: 'x' stands twice in this hash; the first is at map/config:1:1\n"},
      {"a = $include{parts/one", "map/config:1:23: '}' is missing after the file of $include\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const MapFolder folder;
    folder.write("config", row.text);
    folder.write("parts/one", "[ a ]");
    folder.write("parts/two", "x = 2");
    base::Diagnostics diagnostics;
    CHECK_FALSE(load_vscf(folder.path() + "/config", diagnostics).has_value());
    CHECK(folder.without_path(diagnostics.to_text()) == row.message);
  }
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::importer

#include "config/schema.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace meridian::config {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  REQUIRE_MESSAGE(stream, path.string());
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// What stands between the markers of one generated block.
std::string find_block(const std::string& text, std::string_view name) {
  const auto begin_marker = fmt::format("<!-- begin generated: {} -->\n", name);
  const auto begin = text.find(begin_marker);
  const auto end = text.find(fmt::format("<!-- end generated: {} -->", name));
  if (begin == std::string::npos || end == std::string::npos) return {};
  return text.substr(begin + begin_marker.size(), end - begin - begin_marker.size());
}

TEST_SUITE_BEGIN("config/schema");

TEST_CASE("the shipped schemas are those the parser's tables make") {
  for (const auto kind : kFileKinds) {
    const auto name = std::string{to_string(kind)};
    const auto path = std::filesystem::path(MERIDIAN_SOURCE_DIR) / "config/schema" / (name + ".schema.json");
    CHECK_MESSAGE(read(path) == json_schema(kind), "refresh with: meridianctl schema ", name,
                  " > config/schema/", name, ".schema.json");
  }
}

TEST_CASE("the reference in docs/map-language.md is the one the parser's tables make") {
  const auto text = read(std::filesystem::path(MERIDIAN_SOURCE_DIR) / "docs/map-language.md");
  for (const auto kind : kFileKinds) {
    const auto name = std::string{to_string(kind)};
    CHECK_MESSAGE(find_block(text, name) == reference_markdown(kind),
                  "put the output of: meridianctl schema --reference ", name, " between the markers of ",
                  name);
  }
}

TEST_CASE("a schema is laid out for people and says which keys there are") {
  const auto schema = json_schema(FileKind::Regions);
  CHECK(schema.starts_with("{\n  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"));
  CHECK(schema.find("\"regions\"") != std::string::npos);
  CHECK(schema.ends_with("\n}\n"));
}

TEST_CASE("the reference is a table a mapping") {
  const auto text = reference_markdown(FileKind::Regions);
  CHECK(text.starts_with(
      "**The file**\n\n| key | value | default | meaning |\n|---|---|---|---|\n| `regions` | "));
  CHECK(text.ends_with(" |\n"));
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config

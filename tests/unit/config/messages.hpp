// What parsing a text says, for row tables: one "line:column: message" a line, without the file's name.
#pragma once

#include "base/diagnostics.hpp"
#include "config/load.hpp"

#include <string>
#include <string_view>

namespace meridian::config::test {

/// As operators see it, but for the file's name; no final newline.
inline std::string messages(const base::Diagnostics& diagnostics) {
  std::string text;
  for (const auto& item : diagnostics.sorted()) {
    if (!text.empty()) text += '\n';
    const auto line = base::to_string(item);
    text += line.substr(line.find(item.where.file) + item.where.file.size() + 1);
  }
  return text;
}

/// The map a single file makes, and what was wrong with it.
inline LoadedMap load_text(FileKind kind, std::string_view text) {
  MapBuilder builder("map");
  builder.add_text(kind, text, "file.yaml");
  return builder.take();
}

/// A row of the rejecting tests.
struct Row {
  std::string why;
  std::string text;
  std::string message;
};

}  // namespace meridian::config::test

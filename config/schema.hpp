// JSON Schemas (draft 7, which editors' YAML support reads) and the reference's tables, both made from the
// tables the parser itself uses, so that they can't drift. For tools and tests; nothing here reads files.
#pragma once

#include "config/key_spec.hpp"

#include <string>

namespace meridian::config {

/// The schema as it ships in config/schema/, final newline included.
[[nodiscard]] std::string json_schema(FileKind kind);

/// Markdown: each mapping of the file as a table of its keys, for docs/map-language.md.
[[nodiscard]] std::string reference_markdown(FileKind kind);

}  // namespace meridian::config

// A YAML file as a tree of text, lists and mappings, each with its line and column. The only user of
// yaml-cpp here.
//
// Scalars stay the text that was written: `NO` is Norway and `1e3` is three characters. Not a general YAML
// library: keys are text, tags are refused, a file holds one document. Nothing is thrown to the caller.
#pragma once

#include "base/diagnostics.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::config {

struct YamlNode {
  enum class Kind : std::uint8_t { Null, Scalar, List, Mapping };

  Kind kind = Kind::Null;
  int line = 1;  ///< Of a value left out: its key's.
  int column = 1;
  std::string text;                    ///< Kind::Scalar
  std::vector<const YamlNode*> items;  ///< Kind::List: the items; Kind::Mapping: key, value, key, value…
  /// Nodes below this one and itself, counting what an alias names each time it is named.
  std::size_t expanded_count = 1;
};

/// Owns its nodes; moving it keeps their addresses.
class YamlTree {
 public:
  /// Kind::Null for an empty file.
  [[nodiscard]] const YamlNode& root() const noexcept { return *root_; }

 private:
  friend class YamlTreeBuilder;
  std::deque<YamlNode> nodes_;
  const YamlNode* root_ = nullptr;
};

/// Parses one file's text; `file` is how diagnostics name it. nullopt when no tree could be made of it.
/// Of keys that stand twice in a mapping the first one is kept and the others are errors.
[[nodiscard]] std::optional<YamlTree> parse_yaml(std::string_view text, const std::string& file,
                                                 base::Diagnostics& diagnostics);

/// `text` in quotes, shortened when it is long, for messages.
[[nodiscard]] std::string quoted(std::string_view text);

/// `text` without anything that could move a terminal's cursor: control characters as `\xNN`.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace meridian::config

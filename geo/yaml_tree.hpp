// A YAML file as a small tree of marked texts. Internal to geo, for places.yaml: yaml-cpp's own Node takes
// twice the time, and every start of every program loads that file.
#pragma once

#include "base/diagnostics.hpp"
#include "base/expected.hpp"

#include <string>
#include <vector>

namespace meridian::geo {

struct YamlNode {
  enum class Kind { Text, List, Map };
  Kind kind = Kind::Text;
  std::string text;                ///< as written: NO is "NO"
  std::vector<YamlNode> children;  ///< items, or key, value, key, value …
  int line = 0;                    ///< from 1
  int column = 0;
};

/// The file's only document. Errors: not readable, too large, not YAML, anchors (nothing here needs them).
[[nodiscard]] base::Expected<YamlNode, base::Diagnostics> load_yaml_tree(const std::string& path);

}  // namespace meridian::geo

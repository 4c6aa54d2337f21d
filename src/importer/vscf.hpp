// gdnsd's configuration syntax (vscf): hashes, arrays and strings, with where each stands. Knows nothing of
// what a key means.
//
// Off the hot path; one thread. `$include{…}` is followed as gdnsd does: relative to the file, globs,
// folders.
#pragma once

#include "base/diagnostics.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::importer {

struct VscfEntry;

struct VscfNode {
  enum class Kind { Text, List, Hash };

  Kind kind = Kind::Text;
  base::Location where;
  std::string text;                ///< Kind::Text: without quotes and escapes
  std::vector<VscfNode> items;     ///< Kind::List
  std::vector<VscfEntry> entries;  ///< Kind::Hash, in the order of the file; no key stands twice

  [[nodiscard]] bool is_text() const noexcept { return kind == Kind::Text; }
  [[nodiscard]] bool is_list() const noexcept { return kind == Kind::List; }
  [[nodiscard]] bool is_hash() const noexcept { return kind == Kind::Hash; }

  /// The value of a key of a hash, or nullptr.
  [[nodiscard]] const VscfNode* find(std::string_view key) const noexcept;
  [[nodiscard]] const VscfEntry* find_entry(std::string_view key) const noexcept;

  /// gdnsd takes a single value wherever it takes a list: the items of a list, or the node itself.
  [[nodiscard]] std::vector<const VscfNode*> values() const;
};

struct VscfEntry {
  std::string key;
  base::Location where;  ///< of the key
  VscfNode value;
};

/// Reads a file with all it includes. nullopt when it is no vscf; the reasons are in `diagnostics`.
[[nodiscard]] std::optional<VscfNode> load_vscf(const std::string& path, base::Diagnostics& diagnostics);

/// The same from memory; `file` is how messages name it. `$include` is an error.
[[nodiscard]] std::optional<VscfNode> parse_vscf(std::string_view text, const std::string& file,
                                                 base::Diagnostics& diagnostics);

}  // namespace meridian::importer

// Typed reading of a YAML tree: each value knows where it stands, and says what is wrong with it there.
//
// A reader that fails has already reported why; callers go on with the next value, so that all problems of a
// file show at once. Values are views: the tree and the YamlFile outlive them. One thread.
#pragma once

#include "base/diagnostics.hpp"
#include "config/key_spec.hpp"
#include "config/model.hpp"
#include "config/yaml_tree.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::config {

/// The file being read and where its problems go.
struct YamlFile {
  std::string name;  ///< As diagnostics show it.
  base::Diagnostics& diagnostics;
};

class YamlMapping;
struct YamlEntry;

class YamlValue {
 public:
  /// `label` is the key the value stands behind, for messages; "" for the file itself.
  YamlValue(const YamlNode& node, std::string_view label, const YamlFile& file) noexcept
      : node_(&node), label_(label), file_(&file) {}

  [[nodiscard]] base::Location where() const { return {file_->name, node_->line, node_->column}; }
  [[nodiscard]] std::string_view label() const noexcept { return label_; }
  [[nodiscard]] base::Diagnostics& diagnostics() const noexcept { return file_->diagnostics; }
  [[nodiscard]] bool is_text() const noexcept { return node_->kind == YamlNode::Kind::Scalar; }
  [[nodiscard]] bool is_list() const noexcept { return node_->kind == YamlNode::Kind::List; }
  [[nodiscard]] bool is_mapping() const noexcept { return node_->kind == YamlNode::Kind::Mapping; }
  /// True for a mapping with this key; nothing is reported.
  [[nodiscard]] bool has_key(std::string_view key) const noexcept;

  void error(std::string_view message) const;
  /// "'ttl': expected `wanted`, found …"
  void error_expected(std::string_view wanted) const;

  [[nodiscard]] std::optional<Word> read_text() const;
  /// One of `choices`, as its index.
  [[nodiscard]] std::optional<std::size_t> read_choice(std::span<const std::string_view> choices) const;
  [[nodiscard]] std::optional<bool> read_boolean() const;
  /// `alternative` is a word the caller also takes, for the message.
  [[nodiscard]] std::optional<std::uint32_t> read_integer(std::uint32_t min, std::uint32_t max,
                                                          std::string_view alternative = {}) const;
  [[nodiscard]] std::optional<double> read_real(double min, double max) const;
  /// More than 0.
  [[nodiscard]] std::optional<double> read_positive() const;
  [[nodiscard]] std::optional<double> read_share() const;
  [[nodiscard]] std::optional<std::uint32_t> read_seconds(std::uint32_t max) const;
  /// As seconds, or 500ms; from `min` to `max` milliseconds.
  [[nodiscard]] std::optional<std::uint32_t> read_milliseconds(std::uint32_t min, std::uint32_t max) const;
  /// A day of the calendar: 2027-03-01.
  [[nodiscard]] std::optional<std::chrono::sys_days> read_date() const;

  /// The items; a single text gets a hint to put it in brackets.
  [[nodiscard]] std::optional<std::vector<YamlValue>> read_list() const;
  /// A mapping whose keys are the operator's own names.
  [[nodiscard]] std::optional<std::vector<YamlEntry>> read_entries() const;
  /// A mapping with fixed keys. Unknown, refused and missing ones are reported; the others can still be read.
  [[nodiscard]] std::optional<YamlMapping> read_mapping(const ObjectSpec& object) const;

 private:
  const YamlNode* node_;
  std::string_view label_;
  const YamlFile* file_;
};

struct YamlEntry {
  YamlValue key;
  YamlValue value;
};

class YamlMapping {
 public:
  explicit YamlMapping(std::vector<YamlEntry> known) noexcept : known_(std::move(known)) {}

  /// nullopt when the key was left out.
  [[nodiscard]] std::optional<YamlValue> find(std::string_view key) const noexcept;

 private:
  std::vector<YamlEntry> known_;
};

/// `50%` or `0.5`: 0 to 1.
[[nodiscard]] std::optional<double> parse_share(std::string_view text) noexcept;

/// Seconds as a plain number, or with a unit: 30s, 5m, 1h, 1d; at most `max`.
[[nodiscard]] std::optional<std::uint32_t> parse_seconds(std::string_view text, std::uint32_t max) noexcept;

/// Lower-case letters, digits, `-` and `_`, a letter first, at most ranges::kNameBytesMax.
[[nodiscard]] bool is_name(std::string_view text) noexcept;

/// The name of a datacenter, region, map or database (`what`), where it is defined or used.
[[nodiscard]] std::optional<Word> read_name(const YamlValue& value, std::string_view what);

/// A list of names, each at most once and at least one.
[[nodiscard]] std::vector<Word> read_names(const YamlValue& value, std::string_view what);

}  // namespace meridian::config

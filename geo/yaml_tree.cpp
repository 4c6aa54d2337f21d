#include "geo/yaml_tree.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace meridian::geo {
namespace {

base::Location location(const std::string& path, const YAML::Mark& mark) {
  return {path, mark.line + 1, mark.column + 1};
}

/// Collects yaml-cpp's events; a finished child moves into its parent.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const std::string& path) : path_(path) { open_.emplace_back(); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { add(mark, {}); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    diagnostics_.error(location(path_, mark), "an alias has no place here; write the value out");
    add(mark, {});
  }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& value) override {
    add(mark, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, YamlNode::Kind::List);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, YamlNode::Kind::Map);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] base::Diagnostics& diagnostics() noexcept { return diagnostics_; }
  /// The document's root; an empty text when there is none.
  [[nodiscard]] YamlNode take_root() {
    auto& roots = open_.front().children;
    return roots.empty() ? YamlNode{} : std::move(roots.front());
  }

 private:
  void open(const YAML::Mark& mark, YamlNode::Kind kind) {
    open_.push_back({kind, {}, {}, mark.line + 1, mark.column + 1});
  }
  void close() {
    YamlNode finished = std::move(open_.back());
    open_.pop_back();
    open_.back().children.push_back(std::move(finished));
  }
  void add(const YAML::Mark& mark, std::string text) {
    open_.back().children.push_back(
        {YamlNode::Kind::Text, std::move(text), {}, mark.line + 1, mark.column + 1});
  }

  const std::string& path_;
  base::Diagnostics diagnostics_;
  std::vector<YamlNode> open_;  ///< from the document down to the innermost open list or map
};

}  // namespace

base::Expected<YamlNode, base::Diagnostics> load_yaml_tree(const std::string& path) {
  base::Diagnostics diagnostics;
  std::error_code failure;
  const auto size = std::filesystem::file_size(path, failure);
  std::ifstream file(path, std::ios::binary);
  if (failure || !file) {
    const std::string reason = failure ? failure.message() : std::strerror(errno);
    diagnostics.error({path}, fmt::format("cannot read: {}", reason));
    return base::unexpected(std::move(diagnostics));
  }
  if (size > base::limits::kYamlFileBytesMax) {
    diagnostics.error(
        {path}, fmt::format("is {} bytes long; at most {} are read", size, base::limits::kYamlFileBytesMax));
    return base::unexpected(std::move(diagnostics));
  }
  TreeBuilder builder(path);
  try {  // The one place here where yaml-cpp's exceptions end.
    YAML::Parser parser(file);
    parser.HandleNextDocument(builder);
  } catch (const YAML::Exception& exception) {
    builder.diagnostics().error(location(path, exception.mark),
                                fmt::format("not valid YAML: {}", exception.msg));
  }
  if (builder.diagnostics().has_errors()) return base::unexpected(std::move(builder.diagnostics()));
  return builder.take_root();
}

}  // namespace meridian::geo

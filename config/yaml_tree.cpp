#include "config/yaml_tree.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <tuple>
#include <utility>

namespace meridian::config {
namespace {

/// A message shows this much of an operator's text; enough for any name, one line on a terminal.
constexpr std::size_t kQuotedBytesMax = 80;

bool is_control(char c) noexcept { return (c >= '\0' && c < ' ') || c == '\x7f'; }

/// The length of the UTF-8 sequence `text` starts with (RFC 3629 4); 0 when it starts with none.
std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4 || !follows(1)) return 0;
  if (first < 0xe0) return 2;
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f) || !follows(2)) return 0;
  if (first < 0xf0) return 3;
  if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f) || !follows(3)) return 0;
  return 4;
}

base::Location locate(std::string_view text, std::size_t offset, const std::string& file) {
  const auto before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0: the first line
  return {file, static_cast<int>(line), static_cast<int>(offset - line_start) + 1};
}

/// yaml-cpp ends a file silently at byte 0x04 and reads other encodings by guess, so bytes come first.
bool check_bytes(std::string_view text, const std::string& file, base::Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < text.size();) {
    const auto length = utf8_length(text.substr(i));
    const char c = text[i];
    const bool is_bad = length == 0 || (is_control(c) && c != '\t' && c != '\n' && c != '\r');
    if (is_bad) {
      const char* what =
          length == 0 ? "is not UTF-8; save the file as UTF-8" : "is a control character; remove it";
      diagnostics.error(locate(text, i, file),
                        fmt::format("byte 0x{:02x} {}", static_cast<unsigned char>(c), what));
      return false;
    }
    i += length;
  }
  return true;
}

/// True when no line is indented with a tab, also none that is blank or a comment: yaml-cpp takes those
/// in some places only, and its message would not help.
bool check_indentation(std::string_view text, const std::string& file, base::Diagnostics& diagnostics) {
  for (std::size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find('\n', start), text.size());
    const auto tab = text.find_first_not_of(' ', start);
    if (tab < end && text[tab] == '\t') {
      diagnostics.error(locate(text, tab, file), "a tab indents this line; YAML allows spaces only");
      return false;
    }
    start = end + 1;
  }
  return true;
}

/// yaml-cpp's words for an operator who never read the YAML grammar.
std::string readable(const std::string& message) {
  static const std::array<std::pair<std::string_view, std::string_view>, 12> kReadable{{
      {YAML::ErrorMsg::MAP_VALUE,
       "this ':' stands where no key can be; check the indentation, and quote text that holds ': '"},
      {YAML::ErrorMsg::MAP_KEY, "a key can't stand here; check the indentation"},
      {YAML::ErrorMsg::BLOCK_ENTRY, "a list item ('- ') can't stand here; check the indentation"},
      {YAML::ErrorMsg::END_OF_MAP,
       "expected the next key of the mapping above; check quotes and indentation"},
      {YAML::ErrorMsg::END_OF_SEQ,
       "expected '- ' and the next item of the list above; check the indentation"},
      {YAML::ErrorMsg::END_OF_MAP_FLOW, "expected ',' or '}' to go on with or end the '{' before"},
      {YAML::ErrorMsg::END_OF_SEQ_FLOW, "expected ',' or ']' to go on with or end the '[' before"},
      {YAML::ErrorMsg::FLOW_END, "this ']' or '}' closes nothing"},
      {YAML::ErrorMsg::EOF_IN_SCALAR, "the file ends inside quotes; one is missing"},
      {YAML::ErrorMsg::DOC_IN_SCALAR, "'---' or '...' inside quotes; one is missing above"},
      {YAML::ErrorMsg::UNKNOWN_TOKEN, "this character can't start a value; quote the text"},
      {YAML::ErrorMsg::UNKNOWN_ANCHOR, "no anchor (&name) of this name stands above"},
  }};
  for (const auto& [theirs, ours] : kReadable) {
    if (message == theirs) return std::string{ours};
  }
  return message;
}

/// Ends a parse from inside an event; caught in parse_yaml.
struct Refusal {
  int line = 0;
  int column = 0;
  std::string message;
};

[[noreturn]] void refuse(const YAML::Mark& mark, std::string message) {
  throw Refusal{mark.line + 1, mark.column + 1, std::move(message)};
}

[[noreturn]] void refuse(const YamlNode& node, std::string message) {
  throw Refusal{node.line, node.column, std::move(message)};
}

/// The deepest place in a map, a weight in a tier, is 7 levels down; yaml-cpp recurses once a level.
constexpr std::size_t kDepthMax = 32;

void check_size(std::size_t value_count, int line, int column) {
  if (value_count <= base::limits::kYamlNodesMax) return;
  throw Refusal{line, column,
                fmt::format("more than {} values, counting what aliases repeat; split the file",
                            base::limits::kYamlNodesMax)};
}

}  // namespace

/// Receives yaml-cpp's events.
class YamlTreeBuilder final : public YAML::EventHandler {
 public:
  YamlTreeBuilder(const std::string& file, base::Diagnostics& diagnostics)
      : file_(file), diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    attach(add(YamlNode::Kind::Null, mark, anchor));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode* const target = anchor < anchors_.size() ? anchors_[anchor] : nullptr;
    const bool is_open = std::find(open_.begin(), open_.end(), target) != open_.end();
    if (target == nullptr || is_open) refuse(mark, "an alias can't stand inside what it names");
    if (!open_.empty())
      check_size(open_.back()->expanded_count + target->expanded_count, mark.line + 1, mark.column + 1);
    attach(target);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    YamlNode* const node = add(YamlNode::Kind::Scalar, mark, anchor);
    node->text = value;
    attach(node);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(add(YamlNode::Kind::List, mark, anchor));
  }

  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(add(YamlNode::Kind::Mapping, mark, anchor));
  }

  void OnMapEnd() override {
    drop_second_keys(*open_.back());
    close();
  }

  [[nodiscard]] YamlTree take() {
    if (tree_.root_ == nullptr) tree_.root_ = &tree_.nodes_.emplace_back();
    return std::move(tree_);
  }

 private:
  static void check_tag(const YAML::Mark& mark, const std::string& tag) {
    // "?" and "!" are yaml-cpp's marks for plain and quoted text without a tag.
    if (tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:str") return;
    refuse(mark, fmt::format("the tag {} is not supported; remove it", quoted(tag)));
  }

  YamlNode* add(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    check_size(tree_.nodes_.size() + 1, mark.line + 1, mark.column + 1);
    YamlNode& node = tree_.nodes_.emplace_back();
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    if (anchor != 0) {
      if (anchor >= anchors_.size()) anchors_.resize(anchor + 1, nullptr);
      anchors_[anchor] = &node;
    }
    return &node;
  }

  void attach(YamlNode* node) {
    if (open_.empty()) {
      tree_.root_ = node;
      return;
    }
    YamlNode& parent = *open_.back();
    if (parent.kind == YamlNode::Kind::Mapping) {
      const bool is_key = parent.items.size() % 2 == 0;
      if (is_key && node->kind != YamlNode::Kind::Scalar) refuse(*node, "a key must be text; quote it");
      // yaml-cpp places a value that was left out at whatever follows it.
      if (!is_key && node->kind == YamlNode::Kind::Null) place_at(*node, *parent.items.back());
    }
    parent.items.push_back(node);
    parent.expanded_count += node->expanded_count;
    check_size(parent.expanded_count, node->line, node->column);
  }

  void open(YamlNode* node) {
    if (open_.size() == kDepthMax)
      refuse(*node, fmt::format("more than {} lists and mappings inside each other", kDepthMax));
    open_.push_back(node);
  }

  void close() {
    YamlNode* const node = open_.back();
    open_.pop_back();
    attach(node);
  }

  static void place_at(YamlNode& node, const YamlNode& other) {
    node.line = other.line;
    node.column = other.column;
  }

  void drop_second_keys(YamlNode& mapping) {
    std::vector<std::size_t> order;  // of the keys, equal ones side by side, the first one first
    for (std::size_t i = 0; i < mapping.items.size(); i += 2) order.push_back(i);
    const auto& items = mapping.items;
    std::sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
      return std::tie(items[left]->text, left) < std::tie(items[right]->text, right);
    });
    std::vector<std::size_t> dropped;
    std::size_t first = 0;  // of a run of equal keys, an index into `order`
    for (std::size_t i = 1; i < order.size(); ++i) {
      const YamlNode& key = *items[order[i]];
      if (key.text != items[order[first]]->text) {
        first = i;
        continue;
      }
      diagnostics_.error({file_, key.line, key.column},
                         fmt::format("{} stands twice in this mapping; the first is in line {}",
                                     quoted(key.text), items[order[first]]->line));
      dropped.push_back(order[i]);
    }
    if (dropped.empty()) return;
    std::sort(dropped.begin(), dropped.end());
    std::vector<const YamlNode*> kept;
    for (std::size_t i = 0; i < items.size(); i += 2) {
      if (std::binary_search(dropped.begin(), dropped.end(), i)) continue;
      kept.insert(kept.end(), {items[i], items[i + 1]});
    }
    mapping.items = std::move(kept);
  }

  const std::string& file_;
  base::Diagnostics& diagnostics_;
  YamlTree tree_;
  std::vector<YamlNode*> open_;     // lists and mappings around the next event, the innermost last
  std::vector<YamlNode*> anchors_;  // by yaml-cpp's number, which counts from 1
};

namespace {

/// Only says that something follows the document. yaml-cpp also ends one where a line is indented so that it
/// belongs to nothing above.
class SecondDocument final : public YAML::EventHandler {
 public:
  explicit SecondDocument(std::string_view text) : text_(text) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    std::size_t start = 0;  // of the line
    for (int line = 0; line < mark.line; ++line) start = text_.find('\n', start) + 1;
    refuse(mark, text_.substr(start).starts_with("---")
                     ? "a second document starts here; one file holds one"
                     : "this belongs to nothing above; check the indentation");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}

 private:
  std::string_view text_;
};

}  // namespace

std::optional<YamlTree> parse_yaml(std::string_view text, const std::string& file,
                                   base::Diagnostics& diagnostics) {
  if (text.size() > base::limits::kYamlFileBytesMax) {
    diagnostics.error({file, 0, 0}, fmt::format("the file has {} bytes; at most {} are read, split it",
                                                text.size(), base::limits::kYamlFileBytesMax));
    return std::nullopt;
  }
  if (!check_bytes(text, file, diagnostics) || !check_indentation(text, file, diagnostics))
    return std::nullopt;
  try {
    // yaml-cpp takes the end of the file for the end of a quoted text when a line break stands before it, and
    // so would silently swallow the rest of a file. A comment without a line break makes it complain.
    std::istringstream stream{fmt::format("{}\n#", text)};
    YAML::Parser parser(stream);
    YamlTreeBuilder builder(file, diagnostics);
    if (parser.HandleNextDocument(builder)) {
      SecondDocument second(text);
      parser.HandleNextDocument(second);
    }
    return builder.take();
  } catch (const Refusal& refusal) {
    diagnostics.error({file, refusal.line, refusal.column}, printable(refusal.message));
  } catch (const YAML::Exception& e) {
    const base::Location thrown{file, e.mark.line + 1, e.mark.column + 1};
    diagnostics.error(std::min(thrown, locate(text, text.size(), file)), printable(readable(e.msg)));
  }
  return std::nullopt;
}

std::string quoted(std::string_view text) {
  if (text.size() <= kQuotedBytesMax) return fmt::format("'{}'", text);
  std::size_t end = kQuotedBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80u)
    --end;  // not inside a character
  return fmt::format("'{}…'", text.substr(0, end));
}

std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (is_control(c)) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace meridian::config

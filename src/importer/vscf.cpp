#include "importer/vscf.hpp"

#include "base/limits.hpp"
#include "importer/source_file.hpp"

#include <glob.h>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <unordered_map>
#include <utility>

namespace meridian::importer {
namespace {

namespace fs = std::filesystem;
namespace limits = base::limits;

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// Ends an unquoted string; the first character cannot be '$' besides.
bool is_special(char c) noexcept {
  return is_space(c) || std::string_view("][}{;#,\"=").find(c) != std::string_view::npos;
}

struct FreeGlob {
  void operator()(glob_t* found) const noexcept { globfree(found); }
};

/// The files a pattern names, in glob's order. A folder means all files in it, and may be empty.
base::Expected<std::vector<std::string>, std::string> find_included(const std::string& pattern) {
  std::error_code error;
  const bool is_folder = fs::is_directory(pattern, error);
  glob_t storage{};
  const auto wanted = is_folder ? pattern + "/*" : pattern;
  const int result = ::glob(wanted.c_str(), 0, nullptr, &storage);
  const std::unique_ptr<glob_t, FreeGlob> found(&storage);
  if (result != 0 && result != GLOB_NOMATCH)
    return base::unexpected(fmt::format("'{}' can't be searched", pattern));
  std::vector<std::string> files;
  for (std::size_t i = 0; result == 0 && i < found->gl_pathc; ++i) {
    if (!fs::is_directory(found->gl_pathv[i], error)) files.emplace_back(found->gl_pathv[i]);
  }
  if (files.empty() && !is_folder) return base::unexpected(fmt::format("no file is called '{}'", pattern));
  return files;
}

/// What all files of one configuration share.
struct Session {
  base::Diagnostics& diagnostics;
  std::vector<std::string> open_files;  ///< the stack of includes
  std::size_t file_count = 0;
  bool may_include = true;
};

class Parser {
 public:
  Parser(std::string_view text, std::string file, Session& session)
      : text_(text), file_(std::move(file)), session_(session) {}

  /// A whole file: a hash without braces, or an array.
  std::optional<VscfNode> parse_file() {
    skip_space();
    VscfNode node;
    node.where = here();
    const bool ok = peek() == '[' ? parse_value(node, 0) : parse_hash(node, '\0', 0);
    if (!ok) return std::nullopt;
    skip_space();
    if (at_ < text_.size()) {
      fail(here(), "something follows the array that is the whole file; remove it");
      return std::nullopt;
    }
    return node;
  }

 private:
  /// A hash being read. Networks come by the hundred thousand, so its keys are looked up.
  struct OpenHash {
    VscfNode& node;
    std::unordered_map<std::string, base::Location> seen;
  };

  [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  [[nodiscard]] base::Location here() const {
    return {file_, line_, static_cast<int>(at_ - line_start_) + 1};
  }

  bool fail(const base::Location& where, std::string message) {
    session_.diagnostics.error(where, std::move(message));
    return false;
  }

  void advance() {
    if (text_[at_++] != '\n') return;
    ++line_;
    line_start_ = at_;
  }

  /// Blanks and comments.
  void skip_space() {
    while (at_ < text_.size()) {
      if (peek() == '#' || peek() == ';') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (is_space(peek())) {
        advance();
      } else {
        return;
      }
    }
  }

  bool skip_sign(char sign) {
    skip_space();
    if (peek() != sign || at_ == text_.size()) return false;
    advance();
    return true;
  }

  /// One byte after a backslash: `\DDD` or the byte itself.
  bool parse_escape(std::string& out, const base::Location& start) {
    advance();
    if (at_ == text_.size()) return fail(start, "'\\' at the end of the file escapes nothing");
    const auto is_digit = [&](std::size_t i) {
      return at_ + i < text_.size() && text_[at_ + i] >= '0' && text_[at_ + i] <= '9';
    };
    if (!is_digit(0)) {
      out += peek();
      advance();
      return true;
    }
    const int value = is_digit(1) && is_digit(2)
                          ? (text_[at_] - '0') * 100 + (text_[at_ + 1] - '0') * 10 + (text_[at_ + 2] - '0')
                          : 256;
    if (value > 255) return fail(here(), "'\\' and a digit: write three digits from 000 to 255");
    out += static_cast<char>(value);
    at_ += 3;
    return true;
  }

  bool parse_text(std::string& out) {
    const auto start = here();
    const bool quoted = peek() == '"';
    if (quoted) advance();
    while (at_ < text_.size() && (quoted ? peek() != '"' : !is_special(peek()))) {
      if (peek() == '\\') {
        if (!parse_escape(out, start)) return false;
      } else {
        out += peek();
        advance();
      }
    }
    if (!quoted) return !out.empty() || fail(start, "expected a string, a '{' or a '['");
    if (at_ == text_.size()) return fail(start, "the quote is never closed");
    advance();
    return true;
  }

  bool parse_value(VscfNode& node, std::size_t depth) {
    skip_space();
    node.where = here();
    if (depth > limits::kImportNestingMax) {
      return fail(here(), fmt::format("hashes and arrays nest deeper than {}", limits::kImportNestingMax));
    }
    if (at_ == text_.size()) return fail(here(), "a value is missing at the end of the file");
    if (peek() == '{') {
      advance();
      return parse_hash(node, '}', depth);
    }
    if (peek() == '[') {
      advance();
      return parse_list(node, depth);
    }
    if (peek() == '$') return parse_include_value(node);
    node.kind = VscfNode::Kind::Text;
    return parse_text(node.text);
  }

  bool parse_list(VscfNode& node, std::size_t depth) {
    node.kind = VscfNode::Kind::List;
    while (!skip_sign(']')) {
      if (at_ == text_.size()) return fail(node.where, "this '[' is never closed");
      if (!parse_value(node.items.emplace_back(), depth + 1)) return false;
      (void)skip_sign(',');
    }
    return true;
  }

  /// Entries up to `end`, or to the end of the file when it is '\0'.
  bool parse_hash(VscfNode& node, char end, std::size_t depth) {
    node.kind = VscfNode::Kind::Hash;
    OpenHash hash{node, {}};
    while (true) {
      skip_space();
      if (at_ == text_.size()) return end == '\0' || fail(node.where, "this '{' is never closed");
      if (end != '\0' && skip_sign(end)) return true;
      if (peek() == '$') {
        if (!parse_include_entries(hash)) return false;
      } else if (!parse_entry(hash, depth)) {
        return false;
      }
      (void)skip_sign(',');
    }
  }

  bool parse_entry(OpenHash& hash, std::size_t depth) {
    VscfEntry entry;
    entry.where = here();
    if (!parse_text(entry.key)) return false;
    if (!skip_sign('=')) return fail(here(), fmt::format("'=>' is missing after the key '{}'", entry.key));
    if (peek() == '>') advance();
    if (!parse_value(entry.value, depth + 1)) return false;
    return add(hash, std::move(entry));
  }

  bool add(OpenHash& hash, VscfEntry entry) {
    const auto [first, is_new] = hash.seen.emplace(entry.key, entry.where);
    if (!is_new) {
      return fail(entry.where, fmt::format("'{}' stands twice in this hash; the first is at {}", entry.key,
                                           base::to_string(first->second)));
    }
    hash.node.entries.push_back(std::move(entry));
    return true;
  }

  /// `$include{path}`: the path.
  std::optional<std::string> parse_include_path() {
    constexpr std::string_view kInclude = "$include{";
    const auto start = here();
    if (!text_.substr(at_).starts_with(kInclude)) {
      fail(start, "'$' starts only $include{file}; write it in quotes to mean itself");
      return std::nullopt;
    }
    if (!session_.may_include) {
      fail(start, "$include is not possible here");
      return std::nullopt;
    }
    at_ += kInclude.size();
    skip_space();
    std::string path;
    if (!parse_text(path)) return std::nullopt;
    if (!skip_sign('}')) {
      fail(here(), "'}' is missing after the file of $include");
      return std::nullopt;
    }
    return fs::path(path).is_absolute() ? path : (fs::path(file_).parent_path() / path).string();
  }

  std::optional<VscfNode> load(const std::string& path, const base::Location& where);

  bool parse_include_value(VscfNode& node) {
    const auto where = here();
    const auto path = parse_include_path();
    if (!path) return false;
    const auto files = find_included(*path);
    if (!files) return fail(where, files.error());
    if (files->size() != 1)
      return fail(where, fmt::format("'{}' names {} files; as a value it must be one", *path, files->size()));
    auto included = load(files->front(), where);
    if (!included) return false;
    node = std::move(*included);
    return true;
  }

  bool parse_include_entries(OpenHash& hash) {
    const auto where = here();
    const auto path = parse_include_path();
    if (!path) return false;
    const auto files = find_included(*path);
    if (!files) return fail(where, files.error());
    for (const auto& file : *files) {
      auto included = load(file, where);
      if (!included) return false;
      if (!included->is_hash())
        return fail(where, fmt::format("'{}' is an array; here its keys are wanted", file));
      for (auto& entry : included->entries) {
        if (!add(hash, std::move(entry))) return false;
      }
    }
    return true;
  }

  std::string_view text_;
  std::string file_;
  Session& session_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
};

/// `where` names the file: its include, or the file itself.
std::optional<VscfNode> load_file(const std::string& path, const base::Location& where, Session& session) {
  const auto fail = [&](std::string message) {
    session.diagnostics.error(where, std::move(message));
    return std::nullopt;
  };
  if (std::ranges::find(session.open_files, path) != session.open_files.end())
    return fail(fmt::format("'{}' includes itself", path));
  if (session.open_files.size() > limits::kImportIncludeDepthMax)
    return fail(fmt::format("includes nest deeper than {}", limits::kImportIncludeDepthMax));
  if (++session.file_count > limits::kImportFilesMax)
    return fail(fmt::format("more than {} files are included", limits::kImportFilesMax));
  const auto text = read_source_file(path);
  if (!text) return fail(fmt::format("'{}' {}", path, text.error()));
  session.open_files.push_back(path);
  auto node = Parser(*text, path, session).parse_file();
  session.open_files.pop_back();
  return node;
}

std::optional<VscfNode> Parser::load(const std::string& path, const base::Location& where) {
  return load_file(path, where, session_);
}

}  // namespace

const VscfEntry* VscfNode::find_entry(std::string_view key) const noexcept {
  const auto found = std::ranges::find(entries, key, &VscfEntry::key);
  return found == entries.end() ? nullptr : &*found;
}

const VscfNode* VscfNode::find(std::string_view key) const noexcept {
  const auto* entry = find_entry(key);
  return entry == nullptr ? nullptr : &entry->value;
}

std::vector<const VscfNode*> VscfNode::values() const {
  std::vector<const VscfNode*> nodes;
  if (!is_list()) return {this};
  for (const auto& item : items) nodes.push_back(&item);
  return nodes;
}

std::optional<VscfNode> load_vscf(const std::string& path, base::Diagnostics& diagnostics) {
  Session session{.diagnostics = diagnostics, .open_files = {}};
  return load_file(path, {path, 0, 0}, session);
}

std::optional<VscfNode> parse_vscf(std::string_view text, const std::string& file,
                                   base::Diagnostics& diagnostics) {
  Session session{.diagnostics = diagnostics, .open_files = {}, .may_include = false};
  return Parser(text, file, session).parse_file();
}

}  // namespace meridian::importer

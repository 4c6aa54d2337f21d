#include "control/watch_list.hpp"

#include "base/limits.hpp"

#include <filesystem>
#include <optional>
#include <system_error>

namespace meridian::control {
namespace {

namespace fs = std::filesystem;

/// A folder is watched for all names or for some; all wins.
class Builder {
 public:
  void add_file(const std::string& path) { static_cast<void>(follow(path)); }

  void add_tree(const std::string& path) {
    const auto folder = follow(path);
    if (folder) add_below(*folder, 0);
  }

  WatchList take() {
    for (const auto& folder : whole_) list_[folder].clear();
    return std::move(list_);
  }

 private:
  /// Watches every place on the way where `path` could come to mean another file. What it means now, links
  /// resolved; nullopt when it is not there.
  std::optional<fs::path> follow(const fs::path& path) {
    std::error_code error;
    auto left = fs::absolute(path, error).lexically_normal();
    for (std::size_t links = 0; links < base::limits::kWatchLinksMax; ++links) {
      fs::path walked;
      auto part = left.begin();
      for (; part != left.end(); ++part) {
        const auto next = walked / *part;
        const auto type = fs::symlink_status(next, error).type();
        const bool is_last = std::next(part) == left.end();
        if (type == fs::file_type::not_found || type == fs::file_type::symlink || is_last) {
          list_[walked.string()].insert(part->string());
        }
        if (type == fs::file_type::not_found) return std::nullopt;
        if (type == fs::file_type::symlink) break;
        walked = next;
      }
      if (part == left.end()) return walked;
      // operator/ takes an absolute target as it is. `walked` holds no links, so `..` may be folded.
      auto rest = walked / fs::read_symlink(walked / *part, error);
      if (error) return std::nullopt;
      for (++part; part != left.end(); ++part) rest /= *part;
      left = rest.lexically_normal();
    }
    return std::nullopt;
  }

  void add_below(const fs::path& folder, std::size_t depth) {
    if (depth > base::limits::kWatchDepthMax || !whole_.insert(folder.string()).second) return;
    static_cast<void>(list_[folder.string()]);
    std::error_code error;
    for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator{};
         entry.increment(error)) {
      std::error_code ignored;
      const bool is_folder = entry->is_directory(ignored);
      if (entry->path().filename().string().starts_with('.')) continue;
      if (entry->is_symlink(ignored)) {
        const auto target = follow(entry->path());
        if (target && is_folder) add_below(*target, depth + 1);
      } else if (is_folder) {
        add_below(entry->path(), depth + 1);
      }
    }
  }

  WatchList list_;
  std::set<std::string> whole_;
};

}  // namespace

WatchList make_watch_list(const WatchedPaths& paths) {
  Builder builder;
  for (const auto& file : paths.files) builder.add_file(file);
  for (const auto& folder : paths.folders) builder.add_tree(folder);
  return builder.take();
}

}  // namespace meridian::control

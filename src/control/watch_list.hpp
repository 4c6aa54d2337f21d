// Which folders to watch to learn that a file, or anything below a folder, has changed: also where a link on
// the way is swapped, or a folder deleted and made again. Looks at the disk, watches nothing itself.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace meridian::control {

/// Folder → the names in it that matter; no names: all do.
using WatchList = std::map<std::string, std::set<std::string>>;

struct WatchedPaths {
  std::vector<std::string> files;
  std::vector<std::string> folders;  ///< with everything below

  friend bool operator==(const WatchedPaths&, const WatchedPaths&) = default;
};

/// Paths that do not exist are watched for at the nearest folder that does.
[[nodiscard]] WatchList make_watch_list(const WatchedPaths& paths);

}  // namespace meridian::control

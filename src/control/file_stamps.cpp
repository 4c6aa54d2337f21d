#include "control/file_stamps.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace meridian::control {

std::string file_stamp(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return path + ": absent";
  return fmt::format("{}:{}:{}:{}:{}.{}:{}.{}", path, file.st_dev, file.st_ino, file.st_size,
                     file.st_mtim.tv_sec, file.st_mtim.tv_nsec, file.st_ctim.tv_sec, file.st_ctim.tv_nsec);
}

std::error_code visit_files(const std::string& folder,
                            const std::function<bool(const std::filesystem::directory_entry&)>& visit) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::follow_directory_symlink, error);
  for (; !error && entry != fs::recursive_directory_iterator{}; entry.increment(error)) {
    std::error_code ignored;
    const bool is_folder = entry->is_directory(ignored);
    const bool is_hidden = entry->path().filename().string().starts_with('.');
    if (is_hidden || entry.depth() >= static_cast<int>(base::limits::kWatchDepthMax)) {
      entry.disable_recursion_pending();
    }
    if (!is_hidden && !is_folder && !visit(*entry)) break;
  }
  return error;
}

void append_folder_stamps(const std::string& folder, std::vector<std::string>& stamps) {
  const auto first = static_cast<std::ptrdiff_t>(stamps.size());
  // A folder's own time changes with every hidden file in it; its files speak for themselves.
  const auto error = visit_files(folder, [&](const auto& file) {
    stamps.push_back(file_stamp(file.path().string()));
    return true;
  });
  if (error) stamps.push_back(folder + ": " + error.message());
  std::sort(stamps.begin() + first, stamps.end());
}

}  // namespace meridian::control

#include "control/map_files.hpp"

#include "base/limits.hpp"
#include "base/regular_file.hpp"
#include "control/file_stamps.hpp"
#include "control/sha256.hpp"
#include "net/sockets.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>
#include <vector>

namespace meridian::control {
namespace {

namespace fs = std::filesystem;

/// Relative paths, sorted.
base::Expected<std::vector<std::string>, std::string> list_files(const std::string& folder) {
  std::vector<std::string> names;
  const auto error = visit_files(folder, [&](const fs::directory_entry& file) {
    std::error_code ignored;
    if (file.is_regular_file(ignored)) names.push_back(file.path().lexically_relative(folder).string());
    return names.size() <= base::limits::kMapFilesMax;
  });
  if (names.size() > base::limits::kMapFilesMax)
    return base::unexpected(fmt::format("{}: has more than {} files", folder, base::limits::kMapFilesMax));
  if (error) return base::unexpected(fmt::format("{}: {}", folder, error.message()));
  std::sort(names.begin(), names.end());
  return names;
}

using Visit = std::function<std::string(const std::string& name, const std::string& bytes)>;

/// Visits each file; stops at what `visit` complains about.
base::Expected<MapDigest, std::string> read_all(const std::string& folder, const FeedNames& feeds,
                                                const Visit& visit) {
  const auto names = list_files(folder);
  if (!names) return base::unexpected(names.error());
  Sha256 files;
  Sha256 networks;
  for (const auto& name : *names) {
    const auto path = folder + "/" + name;
    const auto bytes = base::read_regular_file(path, base::limits::kZoneFileBytesMax);
    if (!bytes) return base::unexpected(fmt::format("{}: {}", path, bytes.error().message));
    auto& digest = feeds.contains(name) ? networks : files;
    // Lengths in front, or one file's end could be another's beginning.
    digest.add(fmt::format("{} {} {}\n", name.size(), name, bytes->size()));
    digest.add(*bytes);
    if (auto problem = visit(name, *bytes); !problem.empty()) return base::unexpected(std::move(problem));
  }
  return MapDigest{std::move(files).finish(), std::move(networks).finish()};
}

std::string reason(const std::string& path) { return fmt::format("{}: {}", path, std::strerror(errno)); }

}  // namespace

FeedNames feed_names(const config::MapDirectory& map) {
  FeedNames names;
  for (const auto& file : map.networks_files) names.insert(fs::path(file.path).lexically_normal().string());
  return names;
}

base::Expected<MapDigest, std::string> digest_map(const std::string& folder, const FeedNames& feeds) {
  return read_all(folder, feeds, [](const std::string&, const std::string&) { return std::string{}; });
}

base::Expected<MapDigest, std::string> copy_map(const std::string& folder, const FeedNames& feeds,
                                                const std::string& target) {
  return read_all(folder, feeds, [&](const std::string& name, const std::string& bytes) {
    const auto path = fs::path(target) / name;
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) return fmt::format("{}: {}", path.parent_path().string(), error.message());
    return write_file(path.string(), bytes);
  });
}

std::string write_file(const std::string& path, std::string_view bytes) {
  const net::FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file) return reason(path);
  while (!bytes.empty()) {
    const auto written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return reason(path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

std::string sync_file_system(const std::string& folder) {
  const net::FileDescriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return file && ::syncfs(file.get()) == 0 ? std::string{} : reason(folder);
}

}  // namespace meridian::control

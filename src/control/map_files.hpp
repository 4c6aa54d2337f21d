// The files of a map directory as they stand on the disk: what they hold, told by digests, and a copy of them
// all.
//
// Every regular file counts but hidden ones and what is below hidden folders, links followed: the same that
// is watched. Slow; not for the hot path.
#pragma once

#include "base/expected.hpp"
#include "config/model.hpp"

#include <set>
#include <string>

namespace meridian::control {

/// Two maps whose digests are equal have the same files with the same bytes.
struct MapDigest {
  std::string files;  ///< SHA-256 of all but networks files, as text
  std::string feeds;  ///< of the networks files that the map names

  friend bool operator==(const MapDigest&, const MapDigest&) = default;
};

/// The networks files of a map, relative to its folder.
using FeedNames = std::set<std::string>;
[[nodiscard]] FeedNames feed_names(const config::MapDirectory& map);

/// The error names the file that could not be read.
[[nodiscard]] base::Expected<MapDigest, std::string> digest_map(const std::string& folder,
                                                                const FeedNames& feeds);

/// Copies them below `target`, which must not hold any. The digest is that of the copy.
[[nodiscard]] base::Expected<MapDigest, std::string> copy_map(const std::string& folder,
                                                              const FeedNames& feeds,
                                                              const std::string& target);

/// Writes a file anew; "" or what went wrong.
[[nodiscard]] std::string write_file(const std::string& path, std::string_view bytes);
/// All that was written on the folder's file system goes to the disk itself, in one go: a map may have ten
/// thousand files. "" or what went wrong.
[[nodiscard]] std::string sync_file_system(const std::string& folder);

}  // namespace meridian::control

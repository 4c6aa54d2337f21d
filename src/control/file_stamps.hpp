// What tells that a file changed: its inode, size and times, as text to compare. Reads no content.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

namespace meridian::control {

/// Changes when the file does. The inode and its change time tell a replacement even where size and
/// modification time were kept.
[[nodiscard]] std::string file_stamp(const std::string& path);

/// Every file below a folder that a map may be made of, in no order, until `visit` says false: no hidden ones
/// and nothing below hidden folders, links followed. The error is the one that ended the walk.
std::error_code visit_files(const std::string& folder,
                            const std::function<bool(const std::filesystem::directory_entry&)>& visit);

/// Stamps of everything below a folder that a map may be made of, in the order of their paths; hidden files
/// are none of it. Links are followed.
void append_folder_stamps(const std::string& folder, std::vector<std::string>& stamps);

}  // namespace meridian::control

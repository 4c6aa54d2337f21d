// What tells that a file changed: its inode, size and times, as text to compare. Reads no content.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace meridian::control {

/// Changes when the file does. The inode and its change time tell a replacement even where size and
/// modification time were kept.
[[nodiscard]] std::string file_stamp(const std::string& path);

/// Stamps of everything below a folder that a map may be made of, in the order of their paths; hidden files
/// are none of it. Links are followed.
void append_folder_stamps(const std::string& folder, std::vector<std::string>& stamps);

}  // namespace meridian::control

// Reads one file of another server's configuration, whole. Off the hot path; any thread.
#pragma once

#include "base/expected.hpp"

#include <string>

namespace meridian::importer {

/// The bytes of a regular file of at most limits::kImportFileBytesMax. The error goes on after the file's
/// name: "can't be read: …".
[[nodiscard]] base::Expected<std::string, std::string> read_source_file(const std::string& path);

}  // namespace meridian::importer

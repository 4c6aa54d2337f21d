#include "importer/source_file.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace meridian::importer {

base::Expected<std::string, std::string> read_source_file(const std::string& path) {
  std::error_code error;
  // Not a pipe or a device: opening one could wait for ever.
  const bool is_file = std::filesystem::is_regular_file(path, error);
  if (error) return base::unexpected(fmt::format("can't be read: {}", error.message()));
  if (!is_file) return base::unexpected(std::string{"is no regular file"});
  const auto size = std::filesystem::file_size(path, error);
  if (error) return base::unexpected(fmt::format("can't be read: {}", error.message()));
  if (size > base::limits::kImportFileBytesMax) {
    return base::unexpected(
        fmt::format("has {} bytes; at most {} are read", size, base::limits::kImportFileBytesMax));
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream)
    return base::unexpected(fmt::format("can't be opened: {}", std::generic_category().message(errno)));
  std::string text(static_cast<std::size_t>(size), '\0');
  stream.read(text.data(), static_cast<std::streamsize>(size));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

}  // namespace meridian::importer

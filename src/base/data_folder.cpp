#include "base/data_folder.hpp"

#include <cstdlib>
#include <filesystem>

namespace meridian::base {

std::string find_data_folder(const std::string& override_path) {
  if (!override_path.empty()) return override_path;
  if (const char* from_environment = std::getenv("MERIDIAN_DATA")) return from_environment;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return (program.parent_path().parent_path() / "share" / "meridian").string();
}

}  // namespace meridian::base

#include "base/data_folder.hpp"

#include <cstdlib>
#include <filesystem>

namespace meridian::base {

std::string find_data_folder(const std::string& override_path) {
  if (!override_path.empty()) return override_path;
  if (const char* from_environment = std::getenv("MERIDIAN_DATA")) return from_environment;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto beside = program.parent_path().parent_path() / "share" / "meridian";
  // Without /proc (a bare chroot), or where the program was copied elsewhere: where the packages put them.
  return !error && std::filesystem::exists(beside, error) ? beside.string() : MERIDIAN_INSTALLED_DATA;
}

}  // namespace meridian::base

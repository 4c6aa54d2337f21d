#include "config/load.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace meridian::config {
namespace {

namespace fs = std::filesystem;

/// Every folder with a site file that ships.
std::vector<fs::path> shipped_folders() {
  const fs::path config = fs::path(MERIDIAN_SOURCE_DIR) / "config";
  std::vector<fs::path> folders{config / "dist"};
  for (const auto& entry : fs::directory_iterator(config / "examples")) {
    if (entry.is_directory()) folders.push_back(entry.path());
  }
  return folders;
}

TEST_SUITE_BEGIN("config/examples");

TEST_CASE("every example loads without a word") {
  const auto folders = shipped_folders();
  CHECK(folders.size() >= 4);
  for (const auto& folder : folders) {
    CAPTURE(folder.string());
    const auto site = load_site_file((folder / "meridian.yaml").string());
    CHECK(site.diagnostics.to_text() == "");
    const auto map = load_map_directory((folder / "map").string());
    CHECK(map.diagnostics.to_text() == "");
    CHECK_FALSE(map.model.services.empty());
    CHECK(fs::exists(folder / "README.md"));
  }
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config

// A map directory of its own for one test, removed with it.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace meridian::config::test {

class MapFolder {
 public:
  MapFolder() {
    auto pattern = (std::filesystem::temp_directory_path() / "meridian-map-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  MapFolder(const MapFolder&) = delete;
  MapFolder& operator=(const MapFolder&) = delete;
  ~MapFolder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Writes a file below the folder, and the folders it stands in.
  void write(const std::string& name, std::string_view text) const {
    const auto file = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }

  /// `text` with this folder's path left out.
  [[nodiscard]] std::string without_path(std::string text) const {
    for (auto at = text.find(path_); at != std::string::npos; at = text.find(path_))
      text.replace(at, path_.size(), "map");
    return text;
  }

 private:
  std::string path_;
};

}  // namespace meridian::config::test

// A map directory written on the spot and compiled, for tests of what works on compiled maps.
#pragma once

#include "base/expected.hpp"
#include "config/compile/compile.hpp"
#include "support/mmdb_writer.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::test {

/// A new folder that is removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Writes a file below the folder, making folders on the way. An old one is replaced.
  void write(const std::string& name, std::string_view text) const;

 private:
  std::string path_;
};

/// A folder with the data files (places.json), a database and a map.
class MapFixture {
 public:
  /// `data_folder` holds places.json: ${CMAKE_BINARY_DIR}/share/meridian.
  explicit MapFixture(std::string data_folder);

  /// Replaces one file of the map: "maps.yaml", "zones/example.com.zone".
  void write(const std::string& name, std::string_view text) const { folder_.write("map/" + name, text); }
  void set_database(const MmdbWriter& writer) const { folder_.write("test.mmdb", writer.bytes()); }

  [[nodiscard]] compile::Sources sources() const;
  [[nodiscard]] base::Expected<compile::Compiled, base::Diagnostics> compile() const;
  /// compile(), which must work.
  [[nodiscard]] compile::Compiled must_compile() const;
  /// What compile() complains about, with the folder's path taken out.
  [[nodiscard]] std::string problems() const;
  [[nodiscard]] std::string map_folder() const { return folder_.path() + "/map"; }
  [[nodiscard]] const TemporaryFolder& folder() const noexcept { return folder_; }

  /// Three datacenters (ams, iad, sin), rules by country, www.example.com and a zone of static names; a
  /// database of GB, DE, US, SG and JP documentation networks.
  void write_standard() const;

 private:
  TemporaryFolder folder_;
  std::string data_folder_;
};

}  // namespace meridian::test

// From the disk to the model: the map directory and the site file, with every problem at once.
//
// The model is partial when there are errors: each thing whose name could be read is in it, so that
// config/compile can go on and report the rest in the same run. Never publish a model that has errors.
#pragma once

#include "base/diagnostics.hpp"
#include "config/key_spec.hpp"
#include "config/model.hpp"
#include "config/parse.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace meridian::config {

struct LoadedMap {
  MapDirectory model;
  base::Diagnostics diagnostics;
  /// False when a name the operator defined may be missing from the model (a file that is no YAML, a bad
  /// name): "'x' is not defined" would then mislead.
  bool datacenters_complete = true;
  bool regions_complete = true;
  bool maps_complete = true;
  bool services_complete = true;
  bool zones_complete = true;
};

struct LoadedSite {
  Site site;
  base::Diagnostics diagnostics;
};

/// Collects the files of one map directory. Never FileKind::Site.
class MapBuilder {
 public:
  /// `directory` is what MapDirectory::path will say.
  explicit MapBuilder(std::string directory) { map_.model.path = std::move(directory); }

  /// Reads one file's text; `file` is how diagnostics name it. A kind may come in several files.
  void add_text(FileKind kind, std::string_view text, const std::string& file);

  /// Reads one file from the disk.
  void add_file(FileKind kind, const std::string& path);

  /// Reads the networks files that the files added so far name.
  void read_networks_files();

  /// Adds `path` as the zone that its name says; the file itself is read by zone/.
  void add_zone_file(const std::string& path);

  /// Something is wrong with a file as a whole, and what it defines is not known.
  void add_unreadable(FileKind kind, const std::string& path, std::string message);

  /// The same for all zones.
  void add_unreadable_zones(const std::string& path, std::string message);

  [[nodiscard]] base::Diagnostics& diagnostics() noexcept { return map_.diagnostics; }
  /// Checks what only the whole can say. The builder is empty afterwards.
  [[nodiscard]] LoadedMap take();

 private:
  [[nodiscard]] bool parse_tree(FileKind kind, const YamlValue& root);
  [[nodiscard]] bool& completeness(FileKind kind) noexcept;

  LoadedMap map_;
  bool expectations_complete_ = true;  ///< nothing asks: no file names an expectation
  DefinedNames datacenters_{"datacenter"};
  DefinedNames regions_{"region"};
  DefinedNames maps_{"map"};
  DefinedNames services_{"service"};
  DefinedNames checks_{"check"};
  DefinedNames zones_{"zone"};
};

/// Reads `datacenters.yaml` or `datacenters.d/*.yaml` (in the order of their names), the same for regions,
/// maps, services and expectations, then the networks files they name, and lists `zones/*.zone`. Diagnostics
/// name files as `path` plus the rest.
[[nodiscard]] LoadedMap load_map_directory(const std::string& path);

/// Whether to read the files that hold secrets: a server must, and who only looks at the map may not be able
/// to.
enum class SecretFiles : std::uint8_t { Read, Skip };

/// Paths in the result are relative to the file's folder no more.
[[nodiscard]] LoadedSite load_site_file(const std::string& path, SecretFiles secrets = SecretFiles::Read);

/// The same from text; `path` names the file and its folder. No file is read.
[[nodiscard]] LoadedSite parse_site_text(std::string_view text, const std::string& path);

}  // namespace meridian::config

// A map as files: the model of config/ written in the language that config/ reads, each thing with a comment
// that tells the line it came from.
//
// Off the hot path; any thread. Writing to the disk is separate, so that tests need none.
#pragma once

#include "base/expected.hpp"
#include "config/model.hpp"

#include <string>
#include <vector>

namespace meridian::importer {

/// A file of the map directory.
struct MapFile {
  std::string name;  ///< relative to the directory: "maps.yaml", "zones/example.com.zone"
  std::string text;
};

/// What an import made. The model's `where` are places in the source; its `zones` are unused: zone files come
/// as text.
struct ImportedMap {
  config::MapDirectory model;
  std::vector<MapFile> zone_files;
};

/// datacenters.yaml, maps.yaml, services.yaml and the zone files. `source` says in the first line of each
/// where it comes from.
[[nodiscard]] std::vector<MapFile> render_map(const ImportedMap& imported, const std::string& source);

/// Writes the files below `directory`, which is made when it is missing. Without `overwrite` it must be
/// empty, and nothing is written when it is not. The error is a sentence for the operator.
[[nodiscard]] base::Expected<void, std::string> write_map(const std::vector<MapFile>& files,
                                                          const std::string& directory, bool overwrite);

}  // namespace meridian::importer

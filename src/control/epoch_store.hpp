// The last epochs on the disk: for each the files of its map, its compiled tries, and what it was made of.
//
//   STATE/epochs/0000000007/epoch.json   hash, time, databases
//                          /maps.bin     the compiled tries (config/compile/stored_maps.hpp)
//                          /map/…        the map directory as it was
//   STATE/epochs/current.json            which of them serves, and what an operator went back from
//
// An epoch appears by one rename when all of it is on the disk, so a crash leaves it whole or not at all.
// Everything is checked against its hash when it is read. One process at a time writes; not thread-safe.
#pragma once

#include "base/expected.hpp"
#include "control/map_files.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace meridian::control {

/// A GeoIP file as it was when an epoch was compiled.
struct DatabaseFacts {
  std::string name;  ///< of the database in the site file
  std::string path;
  std::string type;
  std::uint64_t build_epoch = 0;  ///< seconds since 1970

  friend bool operator==(const DatabaseFacts&, const DatabaseFacts&) = default;
};

struct EpochInfo {
  std::uint64_t number = 0;
  /// SHA-256 over the map's files and its tries, as text. Equal at every PoP that decides alike.
  std::string hash;
  std::chrono::system_clock::time_point loaded_at;
  std::string version;  ///< of the program that compiled it
  MapDigest digest;
  FeedNames feeds;
  std::vector<DatabaseFacts> databases;
  std::vector<std::string>
      stamps;  ///< file_stamp() of the databases and places.json: others mean other files
};

/// The hash of an epoch with these files and these compiled maps.
[[nodiscard]] std::string epoch_hash(const MapDigest& digest, std::span<const std::uint8_t> maps);

struct StoredEpoch {
  EpochInfo info;
  std::string map_folder;
  std::vector<std::uint8_t> maps;
};

struct CurrentEpoch {
  std::uint64_t number = 0;  ///< 0: none
  /// The digest of files an operator went back from: they are not loaded again until they change. Empty:
  /// none.
  MapDigest refused;
};

class EpochStore {
 public:
  /// `state_folder` need not exist yet.
  explicit EpochStore(std::string state_folder);

  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }

  /// What is told of each, newest first; what cannot be read is left out.
  [[nodiscard]] std::vector<EpochInfo> list() const;

  /// All of one, checked. The error names the file that is wrong.
  [[nodiscard]] base::Expected<StoredEpoch, std::string> open(std::uint64_t number) const;

  /// Writes an epoch and makes it the current one; then the oldest go, so that limits::kEpochsKept are left.
  /// An error when `map_folder` no longer holds what `info` says, or nothing can be written.
  [[nodiscard]] base::Expected<void, std::string> keep(const EpochInfo& info, const std::string& map_folder,
                                                       std::span<const std::uint8_t> maps);

  /// What is kept under `from` serves again under `to`, which becomes the current one.
  [[nodiscard]] base::Expected<void, std::string> renumber(std::uint64_t from, std::uint64_t to);

  [[nodiscard]] CurrentEpoch current() const;
  [[nodiscard]] base::Expected<void, std::string> set_current(const CurrentEpoch& current);

 private:
  [[nodiscard]] std::string path_of(std::uint64_t number) const;
  [[nodiscard]] std::vector<std::uint64_t> numbers() const;
  void drop_old(std::uint64_t current) const;

  std::string folder_;
};

}  // namespace meridian::control

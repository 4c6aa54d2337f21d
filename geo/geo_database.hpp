// Several GeoIP files as one: asked in order, field by field, the first that knows a field gives it.
//
// What it makes of an address is what the compiled map makes of it: config/compile combines the files' trees
// and merges each combination of records once, explain asks locate(). Immutable once built. Not for the query
// path.
#pragma once

#include "base/ip.hpp"
#include "geo/lock_step.hpp"
#include "geo/mmdb_reader.hpp"
#include "geo/place.hpp"
#include "geo/places.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace meridian::geo {

/// One place out of several files' records.
struct MergedPlace {
  Place place;
  /// No record had coordinates: place.at is the population centre of the country.
  bool at_country_centre = false;

  friend bool operator==(const MergedPlace&, const MergedPlace&) = default;
};

/// What is known of one address, and where that comes from.
struct Located {
  struct Source {
    std::size_t file_index = 0;  ///< into GeoDatabase::files()
    std::uint32_t place = 0;     ///< into that file's places; 0: it knows nothing
    base::IpPrefix block;        ///< the largest block around the address with this place
  };
  MergedPlace merged;
  base::IpAddress looked_up;    ///< the address itself, or the IPv4 address it carries
  std::vector<Source> sources;  ///< one a file, in order
};

class GeoDatabase {
 public:
  /// Shared, because several maps and several epochs ask the same files.
  using Files = std::vector<std::shared_ptr<const GeoFile>>;

  /// `places` must outlive the database.
  GeoDatabase(Files files, const Places& places) : files_(std::move(files)), places_(&places) {}

  [[nodiscard]] const Files& files() const noexcept { return files_; }

  /// The files' trees in order, for combine(); a file without the family has a tree of one leaf, 0.
  [[nodiscard]] std::vector<TreeView> sources(base::Family family) const;

  /// `places[i]` is an index into files()[i].places. The country is that of the first file that has one.
  /// Continent, subdivisions, city and coordinates each come from the first file that has them and does not
  /// contradict that country (nor, for city and coordinates, the subdivision); AS number and name are taken
  /// together, from any file.
  [[nodiscard]] MergedPlace merge(std::span<const std::uint32_t> places) const;

  /// What merge() makes of a place that one file knows alone.
  [[nodiscard]] MergedPlace merge_one(const Place& place) const;

  [[nodiscard]] Located locate(const base::IpAddress& address) const;

 private:
  /// What the country says where no record does.
  void fill_in(MergedPlace& merged) const;

  Files files_;
  const Places* places_;
};

}  // namespace meridian::geo

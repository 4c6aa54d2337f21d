// Loads a GeoIP database (MaxMind DB format) whole: every network of its search tree, every record as a
// Place.
//
// Nothing of the file is used after loading, so it may be replaced then (by rename: a file that shrinks while
// it is being loaded ends the process, as it is mapped). The only user of libmaxminddb.
#pragma once

#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "base/ip.hpp"
#include "geo/packed_tree.hpp"
#include "geo/place_list.hpp"
#include "geo/places.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace meridian::geo {

/// Which fields at least one record has.
struct KnownFields {
  bool country = false;
  bool subdivision = false;
  bool city = false;
  bool geoname_id = false;
  bool coordinates = false;
  bool as_number = false;

  friend bool operator==(const KnownFields&, const KnownFields&) = default;
};

struct GeoFile {
  std::string path;
  std::string database_type;
  std::uint64_t build_epoch = 0;  ///< seconds since 1970
  std::uint16_t ip_version = 0;   ///< 4 or 6, as the file says
  bool has_v4 = false;            ///< something is known of some IPv4 address
  bool has_v6 = false;
  /// Values are indexes into `places`. In `v6` the networks that carry IPv4 addresses
  /// (base::carrier_networks) have melted: such an address is looked up as the IPv4 address it carries.
  PackedTree v4{base::Family::V4, 0};
  PackedTree v6{base::Family::V6, 0};
  PlaceList places;  ///< all different; the first one is "nothing known"
  KnownFields known;
  /// Values that were no value of their field, such as latitude 999; twice in a record of both families.
  std::size_t invalid_count = 0;

  [[nodiscard]] const PackedTree& tree(base::Family family) const noexcept {
    return family == base::Family::V4 ? v4 : v6;
  }
};

/// `places` gives the codes of subdivisions that a file only names. Errors are located at the file.
[[nodiscard]] base::Expected<GeoFile, base::Diagnostics> load_geo_file(const std::string& path,
                                                                       const Places& places);

}  // namespace meridian::geo

// Every different place of a GeoIP file, in little room: a city database has half a million, most of them the
// same few areas with other coordinates.
//
// Immutable once loaded. Not for the query path.
#pragma once

#include "base/coordinates.hpp"
#include "base/huge_pages.hpp"
#include "geo/place.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace meridian::geo {

class PlaceList {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// The place with everything that is known of it.
  [[nodiscard]] Place operator[](std::size_t index) const {
    Place place = area(index);
    place.at = coordinates(index);
    return place;
  }
  /// The place without its coordinates.
  [[nodiscard]] const Place& area(std::size_t index) const { return areas_[entries_[index].area]; }
  /// An index into areas(): what does not depend on coordinates need be found out for an area only.
  [[nodiscard]] std::uint32_t area_index(std::size_t index) const { return entries_[index].area; }
  [[nodiscard]] std::optional<base::Coordinates> coordinates(std::size_t index) const {
    const auto& at = entries_[index].at;
    return at.latitude == kNowhere ? std::nullopt : std::optional{at};
  }

  /// Without coordinates, all different.
  [[nodiscard]] const std::vector<Place>& areas() const noexcept { return areas_; }

  /// For so many places in all: growing would copy them, and have them twice meanwhile. What is not used
  /// costs addresses only.
  void reserve(std::size_t count) { entries_.reserve(count); }

  /// `area` is an index that add_area() returned. The index of the new place.
  std::uint32_t add(std::uint32_t area, const std::optional<base::Coordinates>& at) {
    entries_.push_back({at.value_or(base::Coordinates{kNowhere, kNowhere}), area});
    return static_cast<std::uint32_t>(entries_.size() - 1);
  }
  /// `area` has no coordinates and is not there yet.
  std::uint32_t add_area(Place area) {
    areas_.push_back(std::move(area));
    return static_cast<std::uint32_t>(areas_.size() - 1);
  }

 private:
  /// No latitude: such places have no coordinates.
  static constexpr double kNowhere = 1e3;
  struct Entry {
    base::Coordinates at;
    std::uint32_t area = 0;
  };

  base::LargeVector<Entry> entries_;
  std::vector<Place> areas_;
};

}  // namespace meridian::geo

#include "geo/geo_database.hpp"

#include "base/assert.hpp"

#include <string>

namespace meridian::geo {
namespace {

/// Two records may speak of one place: they name the same, or one of them names none.
bool agrees(const std::string& left, const std::string& right) noexcept {
  return left.empty() || right.empty() || left == right;
}

/// Fills in what `merged` lacks. `merged.country` is final already.
void add_record(Place& merged, const Place& record) {
  if (merged.as_number == 0 && record.as_number != 0) {
    merged.as_number = record.as_number;
    merged.as_name = record.as_name;
  }
  // A city of one country must never end up in another, however sure its own file is.
  if (!agrees(merged.country, record.country)) return;
  if (merged.continent.empty()) merged.continent = record.continent;
  if (merged.outer_subdivision.empty()) {
    merged.outer_subdivision = record.outer_subdivision;
    merged.inner_subdivision = record.inner_subdivision;
  }
  if (!agrees(merged.outer_subdivision, record.outer_subdivision)) return;
  if (merged.inner_subdivision.empty()) merged.inner_subdivision = record.inner_subdivision;
  if (merged.city.empty() && merged.geoname_id == 0) {
    merged.city = record.city;
    merged.geoname_id = record.geoname_id;
  }
  if (!merged.at) merged.at = record.at;
}

}  // namespace

std::vector<TreeView> GeoDatabase::sources(base::Family family) const {
  std::vector<TreeView> trees;
  trees.reserve(files_.size());
  for (const auto& file : files_) trees.emplace_back(&file->tree(family));
  return trees;
}

MergedPlace GeoDatabase::merge(std::span<const std::uint32_t> places) const {
  MERIDIAN_ASSERT(places.size() == files_.size());
  MergedPlace merged;
  for (std::size_t i = 0; i < places.size() && merged.place.country.empty(); ++i) {
    merged.place.country = files_[i]->places.area(places[i]).country;
  }
  for (std::size_t i = 0; i < places.size(); ++i) add_record(merged.place, files_[i]->places[places[i]]);
  fill_in(merged);
  return merged;
}

MergedPlace GeoDatabase::merge_one(const Place& place) const {
  MergedPlace merged{.place = place, .at_country_centre = false};
  fill_in(merged);
  return merged;
}

void GeoDatabase::fill_in(MergedPlace& merged) const {
  const Country* country = places_->find_country(merged.place.country);
  if (country == nullptr) return;
  if (merged.place.continent.empty()) merged.place.continent = country->continent;
  if (merged.place.at) return;
  merged.place.at = country->at;
  merged.at_country_centre = true;
}

Located GeoDatabase::locate(const base::IpAddress& address) const {
  Located located;
  const auto carried = base::find_carried_v4(address);
  located.looked_up = carried ? carried->address : address;
  std::vector<std::uint32_t> places;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const Leaf leaf = files_[i]->tree(located.looked_up.family).lookup(located.looked_up);
    places.push_back(leaf.value);
    located.sources.push_back({.file_index = i,
                               .place = leaf.value,
                               .block = {base::masked(located.looked_up, leaf.depth), leaf.depth}});
  }
  located.merged = merge(places);
  return located;
}

}  // namespace meridian::geo

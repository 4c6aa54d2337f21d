#include "geo/place_table.hpp"

#include "base/random.hpp"

#include <bit>
#include <functional>
#include <string_view>
#include <utility>

namespace meridian::geo {
namespace {

/// Powers of two. Tables grow at half full, where linear probing still finds its slot in two looks.
constexpr std::size_t kFirstSize = 1u << 12;
/// Places by which a slot is fetched into the cache before it is looked at.
constexpr std::size_t kFetchedAhead = 16;

std::uint32_t hash_of_area(const Place& place) noexcept {
  std::uint64_t hash = std::uint64_t{place.geoname_id} << 32 | place.as_number;
  const std::hash<std::string_view> text_hash;
  for (const std::string_view text :
       {std::string_view{place.continent}, std::string_view{place.country},
        std::string_view{place.outer_subdivision}, std::string_view{place.inner_subdivision},
        std::string_view{place.city}, std::string_view{place.as_name}}) {
    hash = base::mix(hash ^ text_hash(text));
  }
  return static_cast<std::uint32_t>(hash);
}

/// All but the coordinates; the fields that differ most often first.
bool is_area_of(const Place& area, const Place& place) noexcept {
  return area.geoname_id == place.geoname_id && area.as_number == place.as_number &&
         area.city == place.city && area.country == place.country &&
         area.outer_subdivision == place.outer_subdivision &&
         area.inner_subdivision == place.inner_subdivision && area.continent == place.continent &&
         area.as_name == place.as_name;
}

std::uint32_t hash_of_place(std::uint32_t area, const std::optional<base::Coordinates>& at) noexcept {
  std::uint64_t hash = area;
  if (at) {
    hash = base::mix(hash ^ std::bit_cast<std::uint64_t>(at->latitude));
    hash = base::mix(hash ^ std::bit_cast<std::uint64_t>(at->longitude));
  }
  return static_cast<std::uint32_t>(hash);
}

/// Writers store records in the order in which the tree first names them: keeping neighbours next to each
/// other makes the table as kind to the cache as the file is. Records are rarely shorter than 8 bytes.
std::size_t offset_slot(std::uint32_t offset) noexcept { return offset >> 3; }

}  // namespace

PlaceTable::Index::Index() : slots(kFirstSize, kUnread) {}

template <typename IsIt>
std::uint32_t PlaceTable::Index::find_or_add(std::uint32_t hash, IsIt is_it) {
  if (hashes.size() * 2 >= slots.size()) grow();
  const std::size_t mask = slots.size() - 1;
  std::size_t slot = hash & mask;
  for (; slots[slot] != kUnread; slot = (slot + 1) & mask) {
    const std::uint32_t index = slots[slot];
    if (hashes[index] == hash && is_it(index)) return index;
  }
  slots[slot] = static_cast<std::uint32_t>(hashes.size());
  hashes.push_back(hash);
  return slots[slot];
}

void PlaceTable::Index::fetch_ahead(std::uint32_t hash) const noexcept {
  __builtin_prefetch(slots.data() + (hash & (slots.size() - 1)));
}

void PlaceTable::Index::grow() {
  slots.assign(slots.size() * 2, kUnread);
  const std::size_t mask = slots.size() - 1;
  for (std::uint32_t index = 0; index < hashes.size(); ++index) {
    std::size_t slot = hashes[index] & mask;
    while (slots[slot] != kUnread) slot = (slot + 1) & mask;
    slots[slot] = index;
  }
}

PlaceTable::PlaceTable() : records_(kFirstSize) { static_cast<void>(intern(Place{})); }

std::uint32_t& PlaceTable::at_offset(std::uint32_t offset) {
  if (record_count_ * 2 >= records_.size()) grow_records();
  const std::size_t mask = records_.size() - 1;
  std::size_t slot = offset_slot(offset) & mask;
  while (records_[slot].offset != kFree && records_[slot].offset != offset) slot = (slot + 1) & mask;
  auto& record = records_[slot];
  if (record.offset == kFree) {
    record.offset = offset;
    ++record_count_;
  }
  return record.number;
}

void PlaceTable::fetch_ahead(std::uint32_t offset) const noexcept {
  __builtin_prefetch(records_.data() + (offset_slot(offset) & (records_.size() - 1)));
}

void PlaceTable::grow_records() {
  base::LargeVector<Record> grown(records_.size() * 2);
  const std::size_t mask = grown.size() - 1;
  for (const auto& record : records_) {
    if (record.offset == kFree) continue;
    std::size_t slot = offset_slot(record.offset) & mask;
    while (grown[slot].offset != kFree) slot = (slot + 1) & mask;
    grown[slot] = record;
  }
  records_ = std::move(grown);
}

std::uint32_t PlaceTable::intern_area(const Place& place) {
  if (!places_.areas().empty() && is_area_of(places_.areas()[last_area_], place)) return last_area_;
  const auto index = area_index_.find_or_add(
      hash_of_area(place), [&](std::uint32_t known) { return is_area_of(places_.areas()[known], place); });
  last_area_ = index;
  if (index < places_.areas().size()) return index;
  Place area = place;
  area.at.reset();
  note_fields(area);
  return places_.add_area(std::move(area));
}

std::uint32_t PlaceTable::intern(const Place& place) { return intern_at(intern_area(place), place.at); }

std::uint32_t PlaceTable::intern_at(std::uint32_t area, const std::optional<base::Coordinates>& at) {
  const auto index = place_index_.find_or_add(hash_of_place(area, at), [&](std::uint32_t known) {
    return places_.area_index(known) == area && places_.coordinates(known) == at;
  });
  if (index < places_.size()) return index;
  known_.coordinates |= at.has_value();
  return places_.add(area, at);
}

template <typename AreaOf>
std::vector<std::uint32_t> PlaceTable::intern_all(const PlaceList& list, AreaOf area_of) {
  const auto area_at = [&](std::size_t i) { return area_of(list.area_index(i)); };
  places_.reserve(places_.size() + list.size());
  std::vector<std::uint32_t> ids(list.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (const auto next = i + kFetchedAhead; next < ids.size())
      place_index_.fetch_ahead(hash_of_place(area_at(next), list.coordinates(next)));
    ids[i] = intern_at(area_at(i), list.coordinates(i));
  }
  return ids;
}

std::uint32_t PlaceTable::add_record(const Place& place) {
  known_.coordinates |= place.at.has_value();
  return said_.add(intern_area(place), place.at);
}

std::vector<std::uint32_t> PlaceTable::settle() {
  const auto said = std::exchange(said_, PlaceList());
  return intern_all(said, [](std::uint32_t area) { return area; });
}

std::vector<std::uint32_t> PlaceTable::absorb(const PlaceList& others) {
  std::vector<std::uint32_t> areas;
  areas.reserve(others.areas().size());
  for (const auto& area : others.areas()) areas.push_back(intern_area(area));
  return intern_all(others, [&](std::uint32_t area) { return areas[area]; });
}

void PlaceTable::note_fields(const Place& area) noexcept {
  known_.country |= !area.country.empty();
  known_.subdivision |= !area.outer_subdivision.empty();
  known_.city |= !area.city.empty();
  known_.geoname_id |= area.geoname_id != 0;
  known_.as_number |= area.as_number != 0;
}

}  // namespace meridian::geo

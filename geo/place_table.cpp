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

std::uint32_t hash_of(const Place& place) noexcept {
  std::uint64_t hash = std::uint64_t{place.geoname_id} << 32 | place.as_number;
  if (place.at) {
    hash = base::mix(hash ^ std::bit_cast<std::uint64_t>(place.at->latitude));
    hash = base::mix(hash ^ std::bit_cast<std::uint64_t>(place.at->longitude));
  }
  const std::hash<std::string_view> text_hash;
  for (const std::string_view text :
       {std::string_view{place.continent}, std::string_view{place.country},
        std::string_view{place.outer_subdivision}, std::string_view{place.inner_subdivision},
        std::string_view{place.city}, std::string_view{place.as_name}}) {
    hash = base::mix(hash ^ text_hash(text));
  }
  return static_cast<std::uint32_t>(hash);
}

/// Writers store records in the order in which the tree first names them: keeping neighbours next to each
/// other makes the table as kind to the cache as the file is. Records are rarely shorter than 8 bytes.
std::size_t offset_slot(std::uint32_t offset) noexcept { return offset >> 3; }

}  // namespace

PlaceTable::PlaceTable() : records_(kFirstSize), slots_(kFirstSize, kUnread) {
  static_cast<void>(intern(Place{}));
}

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
  return record.place;
}

void PlaceTable::grow_records() {
  std::vector<Record> grown(records_.size() * 2);
  const std::size_t mask = grown.size() - 1;
  for (const auto& record : records_) {
    if (record.offset == kFree) continue;
    std::size_t slot = offset_slot(record.offset) & mask;
    while (grown[slot].offset != kFree) slot = (slot + 1) & mask;
    grown[slot] = record;
  }
  records_ = std::move(grown);
}

std::uint32_t PlaceTable::intern(const Place& place) {
  if (places_.size() * 2 >= slots_.size()) grow_slots();
  const std::uint32_t hash = hash_of(place);
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  while (slots_[slot] != kUnread) {
    const std::uint32_t index = slots_[slot];
    if (hashes_[index] == hash && places_[index] == place) return index;
    slot = (slot + 1) & mask;
  }
  const auto index = static_cast<std::uint32_t>(places_.size());
  slots_[slot] = index;
  places_.push_back(place);
  hashes_.push_back(hash);
  note_fields(place);
  return index;
}

void PlaceTable::grow_slots() {
  slots_.assign(slots_.size() * 2, kUnread);
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t index = 0; index < hashes_.size(); ++index) {
    std::size_t slot = hashes_[index] & mask;
    while (slots_[slot] != kUnread) slot = (slot + 1) & mask;
    slots_[slot] = index;
  }
}

void PlaceTable::note_fields(const Place& place) noexcept {
  known_.country |= !place.country.empty();
  known_.subdivision |= !place.outer_subdivision.empty();
  known_.city |= !place.city.empty();
  known_.geoname_id |= place.geoname_id != 0;
  known_.coordinates |= place.at.has_value();
  known_.as_number |= place.as_number != 0;
}

}  // namespace meridian::geo

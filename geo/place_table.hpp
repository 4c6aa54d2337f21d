// What one database load remembers: which record offsets were read, and every different place once.
// Internal to geo. Not thread-safe.
//
// Two open-addressing tables instead of unordered_map: a city database asks 5 million times for one of a
// million records, and node-based maps alone would take longer than all the rest of the load.
#pragma once

#include "geo/mmdb_reader.hpp"
#include "geo/place.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace meridian::geo {

class PlaceTable {
 public:
  /// "This record was not read yet."
  static constexpr std::uint32_t kUnread = 0xffff'ffff;

  PlaceTable();

  /// The index of the place at a record offset, kUnread at first: for the caller to fill in. Valid until the
  /// next call.
  [[nodiscard]] std::uint32_t& at_offset(std::uint32_t offset);

  /// The index of this place, which is added when it is new. Place{} has index 0.
  [[nodiscard]] std::uint32_t intern(const Place& place);

  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
  /// Different offsets asked for.
  [[nodiscard]] std::size_t record_count() const noexcept { return record_count_; }
  [[nodiscard]] const KnownFields& known() const noexcept { return known_; }
  [[nodiscard]] std::vector<Place> take_places() && noexcept { return std::move(places_); }

 private:
  /// No record begins at the last byte a 32-bit offset can name: it is a free slot's.
  static constexpr std::uint32_t kFree = 0xffff'ffff;
  struct Record {
    std::uint32_t offset = kFree;
    std::uint32_t place = kUnread;
  };

  void grow_records();
  void grow_slots();
  void note_fields(const Place& place) noexcept;

  std::vector<Record> records_;
  std::size_t record_count_ = 0;
  std::vector<Place> places_;
  std::vector<std::uint32_t> hashes_;  ///< of places_, so that growing reads no strings
  std::vector<std::uint32_t> slots_;   ///< indexes into places_, kUnread where free
  KnownFields known_;
};

}  // namespace meridian::geo

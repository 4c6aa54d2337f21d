// What one database load remembers: which record offsets were read, and every different place once.
// Internal to geo. Not thread-safe.
//
// Open-addressing tables instead of unordered_map: a city database asks 7 million times for one of half a
// million records, and node-based maps alone would take longer than all the rest of the load.
#pragma once

#include "base/huge_pages.hpp"
#include "geo/mmdb_reader.hpp"
#include "geo/place.hpp"
#include "geo/place_list.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace meridian::geo {

class PlaceTable {
 public:
  /// "This record was not read yet."
  static constexpr std::uint32_t kUnread = 0xffff'ffff;

  PlaceTable();

  /// The number of the record at an offset, kUnread at first: for the caller to fill in. Valid until the
  /// next call.
  [[nodiscard]] std::uint32_t& at_offset(std::uint32_t offset);

  /// Fetches into the cache what at_offset(offset) will read first.
  void fetch_ahead(std::uint32_t offset) const noexcept;

  /// At most so many records will come.
  void reserve_records(std::size_t count) { said_.reserve(count); }
  /// Takes in what the next record says; its number, which counts from 0. Whether its place is a new one is
  /// left to settle(): a table of half a million places is far from the cache, and many at once can be
  /// fetched ahead.
  [[nodiscard]] std::uint32_t add_record(const Place& place);
  /// Adds the places of the records so far; their indexes, by the records' numbers.
  [[nodiscard]] std::vector<std::uint32_t> settle();

  /// The index of this place, which is added when it is new. Place{} has index 0.
  [[nodiscard]] std::uint32_t intern(const Place& place);

  /// Adds the places of another table. By their index there, their index here.
  [[nodiscard]] std::vector<std::uint32_t> absorb(const PlaceList& others);

  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
  /// Different offsets asked for.
  [[nodiscard]] std::size_t record_count() const noexcept { return record_count_; }
  [[nodiscard]] const KnownFields& known() const noexcept { return known_; }
  [[nodiscard]] PlaceList take_places() && noexcept { return std::move(places_); }

  /// Gives back what at_offset() needs, for when no more is read.
  void forget_offsets() noexcept { records_ = base::LargeVector<Record>(); }

 private:
  /// No record begins at the last byte a 32-bit offset can name: it is a free slot's.
  static constexpr std::uint32_t kFree = 0xffff'ffff;
  struct Record {
    std::uint32_t offset = kFree;
    std::uint32_t number = kUnread;
  };
  /// Indexes of things that are kept elsewhere, found by their hash.
  struct Index {
    base::LargeVector<std::uint32_t> hashes;  ///< of the things, so that growing reads none
    base::LargeVector<std::uint32_t> slots;   ///< their indexes, kUnread where free

    Index();
    /// The index of the thing with this hash for which `is_it(index)`; else that of a new one, which the
    /// caller adds.
    template <typename IsIt>
    [[nodiscard]] std::uint32_t find_or_add(std::uint32_t hash, IsIt is_it);
    /// Fetches into the cache what find_or_add(hash) will read first.
    void fetch_ahead(std::uint32_t hash) const noexcept;
    void grow();
  };

  void grow_records();
  [[nodiscard]] std::uint32_t intern_area(const Place& place);
  template <typename AreaOf>
  [[nodiscard]] std::vector<std::uint32_t> intern_all(const PlaceList& list, AreaOf area_of);
  [[nodiscard]] std::uint32_t intern_at(std::uint32_t area, const std::optional<base::Coordinates>& at);
  void note_fields(const Place& area) noexcept;

  base::LargeVector<Record> records_;
  std::size_t record_count_ = 0;
  PlaceList said_;  ///< by the records' numbers; areas are those of `places_`
  PlaceList places_;
  Index place_index_;
  Index area_index_;
  std::uint32_t last_area_ = 0;  ///< most often the next record's too
  KnownFields known_;
};

}  // namespace meridian::geo

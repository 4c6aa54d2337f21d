// Turns one database record into a Place, whatever the layout: which key in which map means which field.
// Internal to geo; knows nothing of the file format. The table of keys is in place_mapper.cpp and, for
// operators, in geo/README.md.
//
// A record's texts must stay where they are until the last record was mapped: they are recognised by their
// address. Not thread-safe; one mapper a file.
#pragma once

#include "geo/place.hpp"
#include "geo/places.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace meridian::geo {

/// Where in a record a key stands.
enum class RecordPart : std::uint8_t {
  Elsewhere,  ///< nothing here or below is of interest
  Record,
  Continent,
  Country,
  RegisteredCountry,
  Subdivisions,
  OuterSubdivision,
  OuterSubdivisionNames,
  InnerSubdivision,
  InnerSubdivisionNames,
  City,
  CityNames,
  Location,
  Traits,
};

enum class RecordField : std::uint8_t {
  None,
  ContinentCode,
  Continent,  ///< a code or a name
  CountryCode,
  Country,  ///< a code or a name
  RegisteredCountryCode,
  OuterCode,
  OuterName,
  InnerCode,
  InnerName,
  City,
  GeonameId,
  Latitude,
  Longitude,
  AsNumber,
  AsName,
  AsDomain,
  Count,
};

/// What a key means: a field when its value is a text or a number, a part when it is a map or a list.
struct RecordStep {
  RecordField field = RecordField::None;
  RecordPart part = RecordPart::Elsewhere;
};

[[nodiscard]] RecordStep find_step(RecordPart part, std::string_view key) noexcept;
/// The part that item `index` of a list is.
[[nodiscard]] RecordPart find_item(RecordPart part, std::size_t index) noexcept;

/// A text or a number as the record holds it.
struct RecordValue {
  enum class Kind : std::uint8_t { Absent, Text, Number };
  Kind kind = Kind::Absent;
  std::string_view text;
  double number = 0;
};

class PlaceMapper {
 public:
  explicit PlaceMapper(const Places& places) : places_(places) {}

  /// The first value of a field within a record counts.
  void set(RecordField field, const RecordValue& value) noexcept;

  /// The place the fields set since the last call make; valid until the next call.
  [[nodiscard]] const Place& finish();

  /// Values that cannot be what their key says (latitude 999), over all records so far. They count as absent.
  [[nodiscard]] std::size_t invalid_count() const noexcept { return invalid_count_; }

 private:
  struct Names {
    const char* outer;
    const char* inner;
    std::uint16_t country;

    friend bool operator==(const Names&, const Names&) = default;
  };
  struct NamesHash {
    std::size_t operator()(const Names& names) const noexcept;
  };
  struct Subdivisions {
    std::string outer;
    std::string inner;
  };

  [[nodiscard]] const RecordValue& value(RecordField field) const noexcept;
  void read_country();
  void read_subdivisions();
  void read_subdivision_names();
  [[nodiscard]] Subdivisions find_subdivisions(std::string_view outer, std::string_view inner) const;
  void read_city();
  void read_coordinates();
  void read_as();
  [[nodiscard]] std::string subdivision_code(const RecordValue& value);

  const Places& places_;
  std::array<RecordValue, static_cast<std::size_t>(RecordField::Count)> values_{};
  Place place_;
  std::size_t invalid_count_ = 0;
  /// Names to codes; a file has a few thousand pairs of them in up to a million records.
  std::unordered_map<Names, Subdivisions, NamesHash> known_names_;
};

}  // namespace meridian::geo

#include "geo/place_mapper.hpp"

#include "base/random.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

namespace meridian::geo {
namespace {

using Field = RecordField;
using Part = RecordPart;

struct Key {
  Part in;
  std::string_view key;
  RecordStep step;
};

/// MaxMind and DB-IP nest, ip-location-db and IPinfo are flat; no key means two things in one part.
constexpr std::array kKeys = {
    // ip-location-db, IPinfo, and the ASN files of all
    Key{Part::Record, "country_code", {.field = Field::CountryCode}},
    Key{Part::Record, "latitude", {.field = Field::Latitude}},
    Key{Part::Record, "longitude", {.field = Field::Longitude}},
    Key{Part::Record, "state1", {.field = Field::OuterName}},
    Key{Part::Record, "state2", {.field = Field::InnerName}},
    Key{Part::Record, "lat", {.field = Field::Latitude}},
    Key{Part::Record, "lng", {.field = Field::Longitude}},
    Key{Part::Record, "lon", {.field = Field::Longitude}},
    Key{Part::Record, "region", {.field = Field::OuterName}},
    Key{Part::Record, "region_code", {.field = Field::OuterCode}},
    Key{Part::Record, "continent_code", {.field = Field::ContinentCode}},
    Key{Part::Record, "geoname_id", {.field = Field::GeonameId}},
    Key{Part::Record, "asn", {.field = Field::AsNumber}},
    Key{Part::Record, "as_name", {.field = Field::AsName}},
    Key{Part::Record, "name", {.field = Field::AsName}},
    Key{Part::Record, "as_domain", {.field = Field::AsDomain}},
    Key{Part::Record, "autonomous_system_number", {.field = Field::AsNumber}},
    Key{Part::Record, "autonomous_system_organization", {.field = Field::AsName}},
    // MaxMind and DB-IP; the first three are flat in the others
    Key{Part::Record, "continent", {Field::Continent, Part::Continent}},
    Key{Part::Record, "country", {Field::Country, Part::Country}},
    Key{Part::Record, "city", {Field::City, Part::City}},
    Key{Part::Record, "registered_country", {.part = Part::RegisteredCountry}},
    Key{Part::Record, "subdivisions", {.part = Part::Subdivisions}},
    Key{Part::Record, "location", {.part = Part::Location}},
    Key{Part::Record, "traits", {.part = Part::Traits}},
    Key{Part::Continent, "code", {.field = Field::ContinentCode}},
    Key{Part::Country, "iso_code", {.field = Field::CountryCode}},
    Key{Part::RegisteredCountry, "iso_code", {.field = Field::RegisteredCountryCode}},
    Key{Part::OuterSubdivision, "iso_code", {.field = Field::OuterCode}},
    Key{Part::OuterSubdivision, "names", {.part = Part::OuterSubdivisionNames}},
    Key{Part::OuterSubdivisionNames, "en", {.field = Field::OuterName}},
    Key{Part::InnerSubdivision, "iso_code", {.field = Field::InnerCode}},
    Key{Part::InnerSubdivision, "names", {.part = Part::InnerSubdivisionNames}},
    Key{Part::InnerSubdivisionNames, "en", {.field = Field::InnerName}},
    Key{Part::City, "names", {.part = Part::CityNames}},
    Key{Part::City, "geoname_id", {.field = Field::GeonameId}},
    Key{Part::CityNames, "en", {.field = Field::City}},
    Key{Part::Location, "latitude", {.field = Field::Latitude}},
    Key{Part::Location, "longitude", {.field = Field::Longitude}},
    Key{Part::Traits, "autonomous_system_number", {.field = Field::AsNumber}},
    Key{Part::Traits, "autonomous_system_organization", {.field = Field::AsName}},
};

bool is_letter(char sign) noexcept { return (sign >= 'A' && sign <= 'Z') || (sign >= 'a' && sign <= 'z'); }
bool is_digit(char sign) noexcept { return sign >= '0' && sign <= '9'; }
char to_upper(char sign) noexcept {
  return sign >= 'a' && sign <= 'z' ? static_cast<char>(sign - 'a' + 'A') : sign;
}

/// "" and the codes ISO 3166-1 keeps for "unknown".
bool says_unknown(std::string_view text) noexcept {
  return text.empty() || text == "-" || text == "--" || text == "ZZ" || text == "XX";
}

/// Two letters, any of them: whether a country exists is the map's question (XK does in most databases).
bool is_country_code(std::string_view text) noexcept {
  return text.size() == 2 && is_letter(text[0]) && is_letter(text[1]);
}

bool is_continent_code(std::string_view text) noexcept {
  constexpr std::array<std::string_view, 7> kCodes{"AF", "AN", "AS", "EU", "NA", "OC", "SA"};
  return std::find(kCodes.begin(), kCodes.end(), text) != kCodes.end();
}

void assign_upper(std::string& into, std::string_view text) {
  into.assign(text);
  std::transform(into.begin(), into.end(), into.begin(), to_upper);
}

std::optional<double> number_of(const RecordValue& value) noexcept {
  if (value.kind == RecordValue::Kind::Number) return value.number;
  double number = 0;
  const char* const end = value.text.data() + value.text.size();
  const auto [stop, failure] = std::from_chars(value.text.data(), end, number);
  if (failure != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// A whole number from 1 to 2^32 - 1, also as "AS15169".
std::optional<std::uint32_t> id_of(RecordValue value) noexcept {
  const auto text = value.text;
  if (text.size() > 2 && to_upper(text[0]) == 'A' && to_upper(text[1]) == 'S') value.text.remove_prefix(2);
  const auto number = number_of(value);
  if (!number || !(*number >= 1 && *number <= std::numeric_limits<std::uint32_t>::max())) return std::nullopt;
  if (std::floor(*number) != *number) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

bool is_absent(const RecordValue& value) noexcept {
  return value.kind == RecordValue::Kind::Absent ||
         (value.kind == RecordValue::Kind::Text && says_unknown(value.text));
}

void clear(Place& place) noexcept {
  // Field by field, so that the strings keep their memory for the next record.
  for (auto* text : {&place.continent, &place.country, &place.outer_subdivision, &place.inner_subdivision,
                     &place.city, &place.as_name}) {
    text->clear();
  }
  place.geoname_id = 0;
  place.at.reset();
  place.as_number = 0;
}

}  // namespace

RecordStep find_step(RecordPart part, std::string_view key) noexcept {
  const auto* found = std::find_if(kKeys.begin(), kKeys.end(),
                                   [&](const Key& row) { return row.in == part && row.key == key; });
  return found == kKeys.end() ? RecordStep{} : found->step;
}

RecordPart find_item(RecordPart part, std::size_t index) noexcept {
  if (part != Part::Subdivisions || index > 1) return Part::Elsewhere;
  return index == 0 ? Part::OuterSubdivision : Part::InnerSubdivision;
}

std::size_t PlaceMapper::NamesHash::operator()(const Names& names) const noexcept {
  const auto outer = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(names.outer));
  const auto inner = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(names.inner));
  return base::mix(base::mix(outer ^ std::uint64_t{names.country} << 48) ^ inner);
}

void PlaceMapper::set(RecordField field, const RecordValue& value) noexcept {
  auto& slot = values_[static_cast<std::size_t>(field)];
  if (slot.kind == RecordValue::Kind::Absent) slot = value;
}

const RecordValue& PlaceMapper::value(RecordField field) const noexcept {
  return values_[static_cast<std::size_t>(field)];
}

const Place& PlaceMapper::finish() {
  clear(place_);
  read_country();
  read_subdivisions();
  read_city();
  read_coordinates();
  read_as();
  values_.fill({});
  return place_;
}

void PlaceMapper::read_country() {
  for (const auto field : {Field::ContinentCode, Field::Continent}) {
    const auto& continent = value(field);
    if (is_absent(continent) || !place_.continent.empty()) continue;
    assign_upper(place_.continent, continent.text);
    if (is_continent_code(place_.continent)) continue;
    place_.continent.clear();
    if (field == Field::ContinentCode) ++invalid_count_;  // the other may be the continent's name
  }
  // GeoIP2's registered country is where the network's holder is: better than nothing, and what MaxMind
  // itself gives for satellite and anycast networks.
  for (const auto field : {Field::CountryCode, Field::Country, Field::RegisteredCountryCode}) {
    const auto& country = value(field);
    if (is_absent(country) || !place_.country.empty()) continue;
    if (is_country_code(country.text)) {
      assign_upper(place_.country, country.text);
    } else {
      ++invalid_count_;
    }
  }
}

std::string PlaceMapper::subdivision_code(const RecordValue& code) {
  if (is_absent(code) || place_.country.empty()) return {};
  std::string full;
  assign_upper(full, code.text);
  // Some files write the whole code.
  if (!full.starts_with(place_.country + "-")) full.insert(0, place_.country + "-");
  const auto part = std::string_view(full).substr(3);
  const bool valid =
      !part.empty() && part.size() <= 3 &&
      std::all_of(part.begin(), part.end(), [](char sign) { return is_letter(sign) || is_digit(sign); });
  if (valid) return full;
  ++invalid_count_;
  return {};
}

void PlaceMapper::read_subdivisions() {
  place_.outer_subdivision = subdivision_code(value(Field::OuterCode));
  if (place_.outer_subdivision.empty()) return read_subdivision_names();
  place_.inner_subdivision = subdivision_code(value(Field::InnerCode));
}

void PlaceMapper::read_subdivision_names() {
  const auto& outer = value(Field::OuterName);
  const auto& inner = value(Field::InnerName);
  if (place_.country.empty() || is_absent(outer)) return;
  const bool has_inner = !is_absent(inner);
  const auto letter = [&](std::size_t i) { return static_cast<std::uint16_t>(place_.country[i]); };
  const Names names{outer.text.data(), has_inner ? inner.text.data() : nullptr,
                    static_cast<std::uint16_t>(letter(0) << 8 | letter(1))};
  auto known = known_names_.find(names);
  if (known == known_names_.end()) {
    known = known_names_
                .emplace(names, find_subdivisions(outer.text, has_inner ? inner.text : std::string_view{}))
                .first;
  }
  place_.outer_subdivision = known->second.outer;
  place_.inner_subdivision = known->second.inner;
}

PlaceMapper::Subdivisions PlaceMapper::find_subdivisions(std::string_view outer,
                                                         std::string_view inner) const {
  const Subdivision* found = places_.find_subdivision_by_name(place_.country, outer);
  if (found == nullptr) return {};
  // The file's first level may be ISO's second one (DB-IP's Italian provinces).
  if (!found->outer.empty()) return {found->outer, found->code};
  const Subdivision* inside =
      inner.empty() ? nullptr : places_.find_subdivision_by_name(place_.country, inner, found->code);
  return {found->code, inside == nullptr ? std::string{} : inside->code};
}

void PlaceMapper::read_city() {
  const auto& city = value(Field::City);
  if (!is_absent(city)) place_.city.assign(city.text);
  const auto& geoname = value(Field::GeonameId);
  if (is_absent(geoname)) return;
  if (const auto id = id_of(geoname)) {
    place_.geoname_id = *id;
  } else {
    ++invalid_count_;
  }
}

void PlaceMapper::read_coordinates() {
  const auto& latitude = value(Field::Latitude);
  const auto& longitude = value(Field::Longitude);
  if (is_absent(latitude) && is_absent(longitude)) return;
  const auto within = [](std::optional<double> degrees, double limit) {
    return degrees && *degrees >= -limit && *degrees <= limit;  // false for NaN too
  };
  const auto north = number_of(latitude);
  const auto east = number_of(longitude);
  if (within(north, 90) && within(east, 180)) {
    // + 0.0 turns -0.0 into 0.0, so that equal places have equal bytes.
    place_.at = base::Coordinates{*north + 0.0, *east + 0.0};
  } else {
    ++invalid_count_;
  }
}

void PlaceMapper::read_as() {
  const auto& number = value(Field::AsNumber);
  if (is_absent(number)) return;
  const auto as_number = id_of(number);
  if (!as_number) {
    // AS 0 stands for "not routed" (RFC 7607): nothing is wrong with it, and nothing known.
    if (number_of(number).value_or(1) != 0) ++invalid_count_;
    return;
  }
  place_.as_number = *as_number;
  const auto& name = is_absent(value(Field::AsName)) ? value(Field::AsDomain) : value(Field::AsName);
  if (name.kind == RecordValue::Kind::Text) place_.as_name.assign(name.text);
}

}  // namespace meridian::geo

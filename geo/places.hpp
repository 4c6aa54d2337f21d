// The world's places by their codes: continents, UN M49 areas, ISO 3166-1 countries, ISO 3166-2 subdivisions,
// from geo/data/places.json.
//
// Codes are upper case everywhere here ("DE", "US-CA", "EU"; areas are three digits, "150"). Immutable once
// loaded, so any thread may read it. Not for the query path: names are strings.
#pragma once

#include "base/coordinates.hpp"
#include "base/diagnostics.hpp"
#include "base/expected.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace meridian::geo {

struct Continent {
  std::string code;
  std::string name;
};

struct Area {
  std::string code;
  std::string name;
  std::string parent;  ///< "" for the world
  std::vector<std::string>
      members;  ///< areas it is made of, for one that stands outside the parent chain (003)
};

struct Country {
  std::string code;
  std::string name;
  std::string alpha3;
  std::string m49;  ///< "" where UN M49 gives none
  std::string continent;
  std::string area;      ///< the innermost area
  base::Coordinates at;  ///< population centre
};

struct Subdivision {
  std::string code;
  std::string name;
  std::string outer;  ///< the subdivision it lies in, or ""
};

class Places {
 public:
  /// Tables sorted by code, without duplicates, whose references hold; load_places sees to all that.
  struct Tables {
    std::vector<Continent> continents;
    std::vector<Area> areas;
    std::vector<Country> countries;
    std::vector<Subdivision> subdivisions;
    /// Further names of subdivisions: code, name.
    std::vector<std::pair<std::string, std::string>> other_names;
  };
  explicit Places(Tables tables);

  [[nodiscard]] const Continent* find_continent(std::string_view code) const noexcept;
  [[nodiscard]] const Area* find_area(std::string_view code) const noexcept;
  [[nodiscard]] const Country* find_country(std::string_view code) const noexcept;
  [[nodiscard]] const Subdivision* find_subdivision(std::string_view code) const noexcept;
  [[nodiscard]] bool is_continent(std::string_view code) const noexcept {
    return find_continent(code) != nullptr;
  }
  [[nodiscard]] bool is_area(std::string_view code) const noexcept { return find_area(code) != nullptr; }
  [[nodiscard]] bool is_country(std::string_view code) const noexcept {
    return find_country(code) != nullptr;
  }
  [[nodiscard]] bool is_subdivision(std::string_view code) const noexcept {
    return find_subdivision(code) != nullptr;
  }

  /// The subdivision of `country` that a database calls `name`: case, accents and punctuation don't count,
  /// nor does a word for its kind ("Cluj County") where one subdivision alone is left without it. Of an
  /// outer and an inner one with one name the outer is meant; with `outer` given, only those inside it.
  [[nodiscard]] const Subdivision* find_subdivision_by_name(std::string_view country, std::string_view name,
                                                            std::string_view outer = {}) const;

  /// Through all levels; "001" contains every country.
  [[nodiscard]] bool area_contains(std::string_view area, std::string_view country) const noexcept;
  /// In the order of their codes; none for an unknown code.
  [[nodiscard]] std::vector<std::string> countries_in_area(std::string_view area) const;
  [[nodiscard]] std::vector<std::string> countries_in_continent(std::string_view continent) const;

  [[nodiscard]] const std::vector<Continent>& continents() const noexcept { return tables_.continents; }
  [[nodiscard]] const std::vector<Area>& areas() const noexcept { return tables_.areas; }
  [[nodiscard]] const std::vector<Country>& countries() const noexcept { return tables_.countries; }
  [[nodiscard]] const std::vector<Subdivision>& subdivisions() const noexcept { return tables_.subdivisions; }

  /// For suggestions (base::suggestion).
  [[nodiscard]] std::vector<std::string> continent_codes() const;
  [[nodiscard]] std::vector<std::string> area_codes() const;
  [[nodiscard]] std::vector<std::string> country_codes() const;
  [[nodiscard]] std::vector<std::string> subdivision_codes(std::string_view country) const;

 private:
  void index_name(std::uint32_t subdivision, std::string_view name);

  Tables tables_;
  /// "US california" → indexes into subdivisions, in the order of codes.
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_name_;
  /// The same without words for kinds; asked second.
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_short_name_;
};

/// Reads and checks the file; all its problems at once, with line and column.
[[nodiscard]] base::Expected<Places, base::Diagnostics> load_places(const std::string& path);

}  // namespace meridian::geo

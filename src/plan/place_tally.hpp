// Adds up amounts by country or subdivision, and by autonomous system, as one database knows them.
//
// Each combination of records is looked at once. Not for the query path; one thread.
#pragma once

#include "base/fact_memo.hpp"
#include "geo/geo_database.hpp"
#include "geo/place.hpp"
#include "geo/places.hpp"
#include "plan/amount.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace meridian::plan {

/// The subdivision where it is known, else the country, else the continent; empty: unknown.
[[nodiscard]] std::string code_of(const geo::Place& place);
/// The English name of what code_of() names, where places.json has one.
[[nodiscard]] std::string name_of(const geo::Place& place, const geo::Places& places);

class PlaceTally {
 public:
  struct Row {
    std::string code;  ///< "US-CA", "DE", "AS3320"; empty: unknown
    std::string name;
    Amount amount;
  };

  /// Both must outlive the tally.
  PlaceTally(const geo::GeoDatabase& database, const geo::Places& places)
      : database_(database), places_(places) {}

  /// `records[i]` is an index into the places of the database's file i.
  void add(std::span<const std::uint32_t> records, const Amount& amount);

  /// What was added, by code_of().
  [[nodiscard]] const std::vector<Row>& places() const noexcept { return place_rows_; }
  /// Without what belongs to no known system.
  [[nodiscard]] const std::vector<Row>& systems() const noexcept { return system_rows_; }

 private:
  struct Rows {
    std::uint32_t place = 0;
    std::uint32_t system = 0;  ///< kNoSystem: none is known
  };
  static constexpr std::uint32_t kNoSystem = 0xffff'ffff;

  [[nodiscard]] Rows find_rows(std::span<const std::uint32_t> records);

  const geo::GeoDatabase& database_;
  const geo::Places& places_;
  base::FactMemo<Rows> rows_of_;
  std::map<std::string, std::uint32_t> place_index_;
  std::map<std::uint32_t, std::uint32_t> system_index_;
  std::vector<Row> place_rows_;
  std::vector<Row> system_rows_;
};

}  // namespace meridian::plan

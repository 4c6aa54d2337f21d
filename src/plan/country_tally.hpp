// Adds up amounts by country, as one database knows them, and within a country by what the caller numbers:
// the pairs of a walk.
//
// Each combination of records is looked at once. Not for the query path; one thread.
#pragma once

#include "base/fact_memo.hpp"
#include "geo/geo_database.hpp"
#include "geo/places.hpp"
#include "plan/amount.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace meridian::plan {

class CountryTally {
 public:
  struct Row {
    std::string code;  ///< "DE"; "continent:EU" where no more is known; empty: unknown
    std::string name;
    std::map<std::size_t, Amount> by_pair;
  };

  /// Both must outlive the tally.
  CountryTally(const geo::GeoDatabase& database, const geo::Places& places)
      : database_(database), places_(places) {}

  /// `records[i]` is an index into the places of the database's file i.
  void add(std::span<const std::uint32_t> records, std::size_t pair, const Amount& amount);

  /// In the order they were met.
  [[nodiscard]] const std::vector<Row>& rows() const noexcept { return rows_; }

 private:
  [[nodiscard]] std::uint32_t find_row(std::span<const std::uint32_t> records);

  const geo::GeoDatabase& database_;
  const geo::Places& places_;
  base::FactMemo<std::uint32_t> row_of_;
  std::map<std::string, std::uint32_t> index_;
  std::vector<Row> rows_;
};

}  // namespace meridian::plan

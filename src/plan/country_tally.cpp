#include "plan/country_tally.hpp"

#include "plan/place_tally.hpp"

namespace meridian::plan {

std::uint32_t CountryTally::find_row(std::span<const std::uint32_t> records) {
  auto place = database_.merge(records).place;
  place.outer_subdivision.clear();
  const auto code = code_of(place);
  const auto [row, is_new] = index_.try_emplace(code, static_cast<std::uint32_t>(rows_.size()));
  if (is_new) rows_.push_back({code, name_of(place, places_), {}});
  return row->second;
}

void CountryTally::add(std::span<const std::uint32_t> records, std::size_t pair, const Amount& amount) {
  const auto row = row_of_.find(records, [&] { return find_row(records); });
  rows_[row].by_pair[pair] += amount;
}

}  // namespace meridian::plan

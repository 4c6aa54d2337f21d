#include "plan/place_tally.hpp"

#include <fmt/format.h>

namespace meridian::plan {

std::string code_of(const geo::Place& place) {
  if (!place.outer_subdivision.empty()) return place.outer_subdivision;
  if (!place.country.empty()) return place.country;
  return place.continent.empty() ? std::string{} : "continent:" + place.continent;
}

std::string name_of(const geo::Place& place, const geo::Places& places) {
  if (const auto* subdivision = places.find_subdivision(place.outer_subdivision)) return subdivision->name;
  if (const auto* country = places.find_country(place.country)) return country->name;
  if (const auto* continent = places.find_continent(place.continent)) return continent->name;
  return {};
}

PlaceTally::Rows PlaceTally::find_rows(std::span<const std::uint32_t> records) {
  const auto place = database_.merge(records).place;
  Rows rows{0, kNoSystem};
  const auto code = code_of(place);
  const auto [row, is_new] = place_index_.try_emplace(code, static_cast<std::uint32_t>(place_rows_.size()));
  if (is_new) place_rows_.push_back({code, name_of(place, places_), {}});
  rows.place = row->second;
  if (place.as_number == 0) return rows;
  const auto [system, is_new_system] =
      system_index_.try_emplace(place.as_number, static_cast<std::uint32_t>(system_rows_.size()));
  if (is_new_system) system_rows_.push_back({fmt::format("AS{}", place.as_number), place.as_name, {}});
  rows.system = system->second;
  return rows;
}

void PlaceTally::add(std::span<const std::uint32_t> records, const Amount& amount) {
  const Rows rows = rows_of_.find(records, [&] { return find_rows(records); });
  place_rows_[rows.place].amount += amount;
  if (rows.system != kNoSystem) system_rows_[rows.system].amount += amount;
}

}  // namespace meridian::plan

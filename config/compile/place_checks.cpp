#include "config/compile/place_checks.hpp"

#include "config/place_ref.hpp"
#include "geo/name_folding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::compile {
namespace {

using Kind = config::PlaceRef::Kind;

/// What a kind of place needs of a database.
struct Need {
  Kind kind;
  bool geo::KnownFields::*field;
  std::string_view a_place;
  std::string_view what;
};
constexpr Need kNeeds[] = {
    {Kind::AutonomousSystem, &geo::KnownFields::as_number, "an autonomous system", "AS numbers"},
    {Kind::City, &geo::KnownFields::city, "a city", "cities"},
    {Kind::GeoName, &geo::KnownFields::geoname_id, "a city by its GeoNames id", "GeoNames ids"},
};

bool knows(const geo::GeoDatabase& database, bool geo::KnownFields::*field) {
  return std::any_of(database.files().begin(), database.files().end(),
                     [&](const auto& file) { return file->known.*field; });
}

/// True when the record may lie where the atom's code says.
bool is_in(const geo::Place& place, const std::string& code) {
  return place.country == code || place.outer_subdivision == code || place.inner_subdivision == code;
}

template <typename Visit>
void for_each_city(const geo::GeoDatabase& database, Visit visit) {
  for (const auto& file : database.files()) {
    if (!file->known.city) continue;
    for (const auto& place : file->places.areas()) {
      if (!place.city.empty()) visit(place);
    }
  }
}

/// "; did you mean 'Munich'?"
std::string nearest_city(const Atom& wanted, const geo::GeoDatabase& database) {
  std::set<std::string> names;
  for_each_city(database, [&](const geo::Place& place) {
    if (is_in(place, wanted.place.code)) names.emplace(geo::without_part(place.city));
  });
  return base::suggestion(wanted.place.city, {names.begin(), names.end()});
}

void check_cities(const RuleIndex& rules, const geo::GeoDatabase& database, base::Diagnostics& warnings) {
  auto missing = rules.cities();
  for_each_city(database, [&](const geo::Place& place) {
    if (missing.empty()) return;
    const bool may_match = std::any_of(missing.begin(), missing.end(),
                                       [&](const Atom* atom) { return is_in(place, atom->place.code); });
    if (!may_match) return;
    const auto names = fold_city(place.city);
    std::erase_if(missing, [&](const Atom* atom) {
      return is_in(place, atom->place.code) &&
             (names.full == atom->folded_city || names.without_part == atom->folded_city);
    });
  });
  for (const auto* atom : missing) {
    warnings.warning(
        atom->place.where,
        fmt::format("no GeoIP database of map '{}' knows a city '{}' in {}, so the rule never wins{}",
                    rules.map().name.text, atom->place.city, atom->place.code,
                    nearest_city(*atom, database)));
  }
}

}  // namespace

void check_places(const RuleIndex& rules, const geo::GeoDatabase& database, base::Diagnostics& warnings) {
  for (const auto& need : kNeeds) {
    const auto* where = rules.first_use(need.kind);
    if (where == nullptr || knows(database, need.field)) continue;
    warnings.warning(*where, fmt::format("map '{}' names {}, but no GeoIP database of it has {}, so the rule "
                                         "never wins; add one under 'geoip' in the site file",
                                         rules.map().name.text, need.a_place, need.what));
  }
  if (knows(database, &geo::KnownFields::city)) check_cities(rules, database, warnings);
}

}  // namespace meridian::compile

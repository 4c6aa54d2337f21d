#include "geo/places.hpp"

#include "geo/name_folding.hpp"

#include <algorithm>

namespace meridian::geo {
namespace {

template <typename Item>
const Item* find_by_code(const std::vector<Item>& items, std::string_view code) noexcept {
  const auto at =
      std::lower_bound(items.begin(), items.end(), code,
                       [](const Item& item, std::string_view wanted) { return item.code < wanted; });
  return at != items.end() && at->code == code ? &*at : nullptr;
}

template <typename Item>
std::vector<std::string> codes_of(const std::vector<Item>& items) {
  std::vector<std::string> codes;
  codes.reserve(items.size());
  for (const auto& item : items) codes.push_back(item.code);
  return codes;
}

std::string name_key(std::string_view country, std::string_view folded_name) {
  std::string key(country);
  key += ' ';
  key += folded_name;
  return key;
}

/// ISO 3166-2 codes begin with the country's two letters.
std::string_view country_of(std::string_view subdivision_code) noexcept {
  return subdivision_code.substr(0, 2);
}

}  // namespace

Places::Places(Tables tables) : tables_(std::move(tables)) {
  by_name_.reserve(tables_.subdivisions.size() + tables_.other_names.size());
  by_short_name_.reserve(tables_.subdivisions.size() + tables_.other_names.size());
  for (std::uint32_t i = 0; i < tables_.subdivisions.size(); ++i) index_name(i, tables_.subdivisions[i].name);
  for (const auto& [code, name] : tables_.other_names) {
    const auto* subdivision = find_subdivision(code);
    if (subdivision != nullptr)
      index_name(static_cast<std::uint32_t>(subdivision - tables_.subdivisions.data()), name);
  }
}

void Places::index_name(std::uint32_t subdivision, std::string_view name) {
  const auto country = country_of(tables_.subdivisions[subdivision].code);
  const auto add = [subdivision](std::vector<std::uint32_t>& list) {
    if (std::find(list.begin(), list.end(), subdivision) == list.end()) list.push_back(subdivision);
  };
  const std::string folded = fold_name(name);
  add(by_name_[name_key(country, folded)]);
  add(by_short_name_[name_key(country, drop_kind_words(folded))]);
}

const Continent* Places::find_continent(std::string_view code) const noexcept {
  return find_by_code(tables_.continents, code);
}

const Area* Places::find_area(std::string_view code) const noexcept {
  return find_by_code(tables_.areas, code);
}

const Country* Places::find_country(std::string_view code) const noexcept {
  return find_by_code(tables_.countries, code);
}

const Subdivision* Places::find_subdivision(std::string_view code) const noexcept {
  return find_by_code(tables_.subdivisions, code);
}

const Subdivision* Places::find_subdivision_by_name(std::string_view country, std::string_view name,
                                                    std::string_view outer) const {
  const auto choose = [&](const auto& index, const std::string& folded, bool only_one) -> const Subdivision* {
    const auto found = index.find(name_key(country, folded));
    if (found == index.end()) return nullptr;
    const Subdivision* chosen = nullptr;
    for (const auto i : found->second) {
      const Subdivision& candidate = tables_.subdivisions[i];
      if (!outer.empty() && candidate.outer != outer) continue;
      const bool is_wider = chosen != nullptr && !chosen->outer.empty() && candidate.outer.empty();
      if (chosen == nullptr || is_wider) {
        chosen = &candidate;
      } else if (only_one && chosen->outer.empty() == candidate.outer.empty()) {
        return nullptr;
      }
    }
    return chosen;
  };
  const std::string folded = fold_name(name);
  if (folded.empty()) return nullptr;
  if (const auto* exact = choose(by_name_, folded, false)) return exact;
  return choose(by_short_name_, drop_kind_words(folded), true);
}

bool Places::area_contains(std::string_view area, std::string_view country) const noexcept {
  const Area* wanted = find_area(area);
  const Country* inside = find_country(country);
  if (wanted == nullptr || inside == nullptr) return false;
  const auto is_wanted = [&](const std::string& code) {
    return code == wanted->code ||
           std::find(wanted->members.begin(), wanted->members.end(), code) != wanted->members.end();
  };
  // Bounded: load_places refuses a loop of parents.
  for (const Area* at = find_area(inside->area); at != nullptr; at = find_area(at->parent)) {
    if (is_wanted(at->code)) return true;
  }
  return false;
}

std::vector<std::string> Places::countries_in_area(std::string_view area) const {
  std::vector<std::string> codes;
  for (const auto& country : tables_.countries) {
    if (area_contains(area, country.code)) codes.push_back(country.code);
  }
  return codes;
}

std::vector<std::string> Places::countries_in_continent(std::string_view continent) const {
  std::vector<std::string> codes;
  for (const auto& country : tables_.countries) {
    if (country.continent == continent) codes.push_back(country.code);
  }
  return codes;
}

std::vector<std::string> Places::continent_codes() const { return codes_of(tables_.continents); }
std::vector<std::string> Places::area_codes() const { return codes_of(tables_.areas); }
std::vector<std::string> Places::country_codes() const { return codes_of(tables_.countries); }

std::vector<std::string> Places::subdivision_codes(std::string_view country) const {
  std::vector<std::string> codes;
  for (const auto& subdivision : tables_.subdivisions) {
    if (country_of(subdivision.code) == country) codes.push_back(subdivision.code);
  }
  return codes;
}

}  // namespace meridian::geo

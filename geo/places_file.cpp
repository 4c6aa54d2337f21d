// Reads places.json into Places::Tables and checks that every code it refers to exists.
#include "base/limits.hpp"
#include "base/regular_file.hpp"
#include "geo/places.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>

namespace meridian::geo {
namespace {

namespace json = boost::json;

/// Where the parser stopped, as editors count.
base::Location location(const std::string& path, std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line_start = before.rfind('\n') + 1;  // 0 when there is none
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  return {path, static_cast<int>(line), static_cast<int>(1 + offset - line_start)};
}

class PlacesLoader {
 public:
  explicit PlacesLoader(const std::string& path) : path_(path) {}

  base::Expected<Places, base::Diagnostics> load(const json::value& root) {
    read_sections(root);
    sort_tables();
    Places places(std::move(tables_));
    check_references(places);
    if (diagnostics_.has_errors()) return base::unexpected(std::move(diagnostics_));
    return places;
  }

 private:
  /// `where` is the way to what is wrong: "countries.NO".
  void error(std::string_view where, std::string_view message) {
    diagnostics_.error({path_}, fmt::format("{}: {}", where, message));
  }

  /// Calls visit(key, where, value) for each member of an object; anything else is an error.
  template <typename Visit>
  void for_each_member(const json::value& object, const std::string& where, Visit visit) {
    if (!object.is_object()) return error(where, "must be an object");
    for (const auto& [key, value] : object.get_object())
      visit(std::string{key}, fmt::format("{}.{}", where, std::string_view{key}), value);
  }

  void read_sections(const json::value& root) {
    if (!root.is_object()) return diagnostics_.error({path_}, "the file must be an object");
    for (const auto& [key, all] : root.get_object()) {
      const std::string section{key};
      if (section == "made_from") continue;
      for_each_member(all, section,
                      [&](const std::string& code, const std::string& where, const json::value& entry) {
                        read_item(section, code, where, entry);
                      });
    }
  }

  void read_item(const std::string& section, const std::string& code, const std::string& where,
                 const json::value& entry) {
    if (section == "continents") return read_continent(code, where, entry);
    if (section == "areas") return read_area(code, where, entry);
    if (section == "countries") return read_country(code, where, entry);
    if (section == "subdivisions") return read_subdivisions(code, where, entry);
    error(section, "unknown key; known are made_from, continents, areas, countries and subdivisions");
  }

  std::string read_text(const std::string& where, const json::value& value) {
    const auto* const text = value.if_string();
    if (text != nullptr && !text->empty()) return std::string{*text};
    error(where, "must be text");
    return {};
  }

  std::vector<std::string> read_texts(const std::string& where, const json::value& list) {
    std::vector<std::string> texts;
    const auto* const items = list.if_array();
    if (items == nullptr) {
      error(where, "must be a list");
      return texts;
    }
    for (const auto& item : *items) texts.push_back(read_text(where, item));
    return texts;
  }

  struct TextField {
    std::string_view key;
    std::string* into;
  };

  /// Reads the text fields of an entry; the other keys go to `other`, which says whether it knows them.
  template <typename Other>
  void read_entry(const std::string& where, const json::value& entry, std::initializer_list<TextField> fields,
                  Other other) {
    for_each_member(entry, where,
                    [&](const std::string& key, const std::string& at, const json::value& value) {
                      for (const auto& field : fields) {
                        if (field.key == key) {
                          *field.into = read_text(at, value);
                          return;
                        }
                      }
                      if (!other(key, at, value)) error(at, "unknown key");
                    });
  }

  void read_continent(const std::string& code, const std::string& where, const json::value& entry) {
    Continent continent{.code = code, .name = {}};
    read_entry(where, entry, {{"name", &continent.name}},
               [](std::string_view, const std::string&, const json::value&) { return false; });
    tables_.continents.push_back(std::move(continent));
  }

  void read_area(const std::string& code, const std::string& where, const json::value& entry) {
    Area area{.code = code, .name = {}, .parent = {}, .members = {}};
    read_entry(where, entry, {{"name", &area.name}, {"parent", &area.parent}},
               [&](std::string_view key, const std::string& at, const json::value& value) {
                 if (key != "of") return false;
                 area.members = read_texts(at, value);
                 return true;
               });
    tables_.areas.push_back(std::move(area));
  }

  void read_country(const std::string& code, const std::string& where, const json::value& entry) {
    Country country{.code = code, .name = {}, .alpha3 = {}, .m49 = {}, .continent = {}, .area = {}, .at = {}};
    bool located = false;
    read_entry(where, entry,
               {{"name", &country.name},
                {"alpha3", &country.alpha3},
                {"m49", &country.m49},
                {"continent", &country.continent},
                {"area", &country.area}},
               [&](std::string_view key, const std::string& at, const json::value& value) {
                 if (key != "at") return false;
                 located = true;
                 country.at = read_coordinates(at, value);
                 return true;
               });
    if (code.size() != 2) error(where, "is no country code; it has two letters");
    if (!located) error(where, "has no 'at'; write its centre as [latitude, longitude]");
    tables_.countries.push_back(std::move(country));
  }

  base::Coordinates read_coordinates(const std::string& where, const json::value& value) {
    const auto number = [](const json::value& item, double limit) -> std::optional<double> {
      boost::system::error_code failure;
      const auto found = item.to_number<double>(failure);
      if (failure || !(found >= -limit && found <= limit)) return std::nullopt;
      return found;
    };
    if (const auto* const pair = value.if_array(); pair != nullptr && pair->size() == 2) {
      const auto latitude = number((*pair)[0], 90);
      const auto longitude = number((*pair)[1], 180);
      if (latitude && longitude) return {*latitude, *longitude};
    }
    error(where, "must be [latitude, longitude], -90 to 90 and -180 to 180");
    return {};
  }

  void read_subdivisions(const std::string& country, const std::string& path, const json::value& entries) {
    for_each_member(
        entries, path, [&](const std::string& code, const std::string& where, const json::value& entry) {
          if (!code.starts_with(country + "-"))
            error(where, fmt::format("is no subdivision of {0}; its code begins with {0}-", country));
          read_subdivision(code, where, entry);
        });
  }

  void read_subdivision(const std::string& code, const std::string& where, const json::value& entry) {
    Subdivision subdivision{.code = code, .name = {}, .outer = {}};
    if (entry.is_string()) {
      subdivision.name = read_text(where, entry);
    } else {
      read_entry(where, entry, {{"name", &subdivision.name}, {"in", &subdivision.outer}},
                 [&](std::string_view key, const std::string& at, const json::value& value) {
                   if (key != "aka") return false;
                   for (auto& name : read_texts(at, value))
                     tables_.other_names.emplace_back(code, std::move(name));
                   return true;
                 });
    }
    tables_.subdivisions.push_back(std::move(subdivision));
  }

  template <typename Item>
  void sort_by_code(std::vector<Item>& items, std::string_view what) {
    std::sort(items.begin(), items.end(),
              [](const Item& left, const Item& right) { return left.code < right.code; });
    if (items.empty()) diagnostics_.error({path_}, fmt::format("no {} is listed", what));
  }

  void sort_tables() {
    sort_by_code(tables_.continents, "continent");
    sort_by_code(tables_.areas, "area");
    sort_by_code(tables_.countries, "country");
    sort_by_code(tables_.subdivisions, "subdivision");
  }

  void check_references(const Places& places) {
    const auto check = [&](bool known, const std::string& owner, const std::string& code) {
      if (!known)
        diagnostics_.error({path_}, fmt::format("{} refers to '{}', which is not listed", owner, code));
    };
    for (const auto& area : places.areas()) {
      check(area.parent.empty() || places.is_area(area.parent), area.code, area.parent);
      for (const auto& member : area.members) check(places.is_area(member), area.code, member);
      check_chain(places, area);
    }
    for (const auto& country : places.countries()) {
      check(places.is_continent(country.continent), country.code, country.continent);
      check(places.is_area(country.area), country.code, country.area);
    }
    for (const auto& subdivision : places.subdivisions()) {
      check(subdivision.outer.empty() || places.is_subdivision(subdivision.outer), subdivision.code,
            subdivision.outer);
      check(places.is_country(subdivision.code.substr(0, 2)), subdivision.code,
            subdivision.code.substr(0, 2));
    }
  }

  void check_chain(const Places& places, const Area& start) {
    std::size_t steps = 0;
    const Area* at = &start;
    while (at != nullptr && steps <= places.areas().size()) {
      at = places.find_area(at->parent);
      ++steps;
    }
    if (at != nullptr) diagnostics_.error({path_}, fmt::format("area {} lies in itself", start.code));
  }

  const std::string& path_;
  base::Diagnostics diagnostics_;
  Places::Tables tables_;
};

}  // namespace

base::Expected<Places, base::Diagnostics> load_places(const std::string& path) {
  base::Diagnostics diagnostics;
  const auto text = base::read_regular_file(path, base::limits::kPlacesFileBytesMax);
  if (!text) {
    diagnostics.error({path}, fmt::format("cannot read: {}", text.error().message));
    return base::unexpected(std::move(diagnostics));
  }
  json::stream_parser parser;
  boost::system::error_code failure;
  const std::size_t read = parser.write(*text, failure);
  if (!failure) parser.finish(failure);
  if (failure) {
    diagnostics.error(location(path, *text, read), fmt::format("not valid JSON: {}", failure.message()));
    return base::unexpected(std::move(diagnostics));
  }
  return PlacesLoader(path).load(parser.release());
}

}  // namespace meridian::geo

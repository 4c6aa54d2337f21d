// Reads places.yaml into Places::Tables and checks that every code it refers to exists.
#include "geo/places.hpp"
#include "geo/yaml_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <utility>

namespace meridian::geo {
namespace {

class PlacesLoader {
 public:
  explicit PlacesLoader(const std::string& path) : path_(path) {}

  base::Expected<Places, base::Diagnostics> load(const YamlNode& root) {
    read_sections(root);
    sort_tables();
    Places places(std::move(tables_));
    check_references(places);
    if (diagnostics_.has_errors()) return base::unexpected(std::move(diagnostics_));
    return places;
  }

 private:
  void error(const YamlNode& at, std::string message) {
    diagnostics_.error({path_, at.line, at.column}, std::move(message));
  }

  /// Calls visit(key, value) for each pair of a map; anything else is an error.
  template <typename Visit>
  void for_each_pair(const YamlNode& map, std::string_view what, Visit visit) {
    if (map.kind != YamlNode::Kind::Map) return error(map, fmt::format("{} must be a map", what));
    for (std::size_t i = 0; i + 1 < map.children.size(); i += 2) {
      if (map.children[i].kind == YamlNode::Kind::Text) {
        visit(map.children[i], map.children[i + 1]);
      } else {
        error(map.children[i], "a key must be plain text");
      }
    }
  }

  void read_sections(const YamlNode& root) {
    for_each_pair(root, "the file", [&](const YamlNode& key, const YamlNode& section) {
      for_each_pair(section, key.text, [&](const YamlNode& code, const YamlNode& entry) {
        if (key.text == "continents") return read_continent(code, entry);
        if (key.text == "areas") return read_area(code, entry);
        if (key.text == "countries") return read_country(code, entry);
        if (key.text == "subdivisions") return read_subdivisions(code, entry);
        error(key, fmt::format("unknown key '{}'; known are continents, areas, countries and subdivisions",
                               key.text));
      });
    });
  }

  std::string read_text(const YamlNode& node) {
    if (node.kind != YamlNode::Kind::Text || node.text.empty()) error(node, "must be text");
    return node.text;
  }

  std::vector<std::string> read_texts(const YamlNode& list) {
    std::vector<std::string> texts;
    if (list.kind != YamlNode::Kind::List) error(list, "must be a list");
    for (const auto& item : list.children) texts.push_back(read_text(item));
    return texts;
  }

  struct TextField {
    std::string_view key;
    std::string* into;
  };

  /// Reads the text fields of an entry; the other keys go to `other`, which says whether it knows them.
  template <typename Other>
  void read_entry(const YamlNode& entry, std::initializer_list<TextField> fields, Other other) {
    for_each_pair(entry, "an entry", [&](const YamlNode& key, const YamlNode& value) {
      for (const auto& field : fields) {
        if (field.key == key.text) {
          *field.into = read_text(value);
          return;
        }
      }
      if (!other(key.text, value)) error(key, fmt::format("unknown key '{}'", key.text));
    });
  }

  void read_continent(const YamlNode& code, const YamlNode& entry) {
    Continent continent{.code = code.text, .name = {}};
    read_entry(entry, {{"name", &continent.name}}, [](std::string_view, const YamlNode&) { return false; });
    tables_.continents.push_back(std::move(continent));
  }

  void read_area(const YamlNode& code, const YamlNode& entry) {
    Area area{.code = code.text, .name = {}, .parent = {}, .members = {}};
    read_entry(entry, {{"name", &area.name}, {"parent", &area.parent}},
               [&](std::string_view key, const YamlNode& value) {
                 if (key != "of") return false;
                 area.members = read_texts(value);
                 return true;
               });
    tables_.areas.push_back(std::move(area));
  }

  void read_country(const YamlNode& code, const YamlNode& entry) {
    Country country{
        .code = code.text, .name = {}, .alpha3 = {}, .m49 = {}, .continent = {}, .area = {}, .at = {}};
    bool located = false;
    read_entry(entry,
               {{"name", &country.name},
                {"alpha3", &country.alpha3},
                {"m49", &country.m49},
                {"continent", &country.continent},
                {"area", &country.area}},
               [&](std::string_view key, const YamlNode& value) {
                 if (key != "at") return false;
                 located = true;
                 country.at = read_coordinates(value);
                 return true;
               });
    if (code.text.size() != 2)
      error(code, fmt::format("'{}' is no country code; it has two letters", code.text));
    if (!located)
      error(code,
            fmt::format("country {} has no 'at'; write its centre as [latitude, longitude]", code.text));
    tables_.countries.push_back(std::move(country));
  }

  base::Coordinates read_coordinates(const YamlNode& node) {
    const auto number = [](const YamlNode& item, double limit) -> std::optional<double> {
      double value = 0;
      const char* const end = item.text.data() + item.text.size();
      const auto [stop, failure] = std::from_chars(item.text.data(), end, value);
      if (failure != std::errc{} || stop != end || !(value >= -limit && value <= limit)) return std::nullopt;
      return value;
    };
    if (node.kind == YamlNode::Kind::List && node.children.size() == 2) {
      const auto latitude = number(node.children[0], 90);
      const auto longitude = number(node.children[1], 180);
      if (latitude && longitude) return {*latitude, *longitude};
    }
    error(node, "must be [latitude, longitude], -90 to 90 and -180 to 180");
    return {};
  }

  void read_subdivisions(const YamlNode& country, const YamlNode& entries) {
    for_each_pair(entries, country.text, [&](const YamlNode& code, const YamlNode& entry) {
      if (!code.text.starts_with(country.text + "-")) {
        error(code, fmt::format("'{}' is no subdivision of {}; its code begins with {}-", code.text,
                                country.text, country.text));
      }
      Subdivision subdivision{.code = code.text, .name = {}, .outer = {}};
      if (entry.kind == YamlNode::Kind::Text) {
        subdivision.name = read_text(entry);
      } else {
        read_entry(entry, {{"name", &subdivision.name}, {"in", &subdivision.outer}},
                   [&](std::string_view key, const YamlNode& value) {
                     if (key != "aka") return false;
                     for (auto& name : read_texts(value))
                       tables_.other_names.emplace_back(code.text, std::move(name));
                     return true;
                   });
      }
      tables_.subdivisions.push_back(std::move(subdivision));
    });
  }

  template <typename Item>
  void sort_by_code(std::vector<Item>& items, std::string_view what) {
    std::sort(items.begin(), items.end(),
              [](const Item& left, const Item& right) { return left.code < right.code; });
    const auto twice =
        std::adjacent_find(items.begin(), items.end(),
                           [](const Item& left, const Item& right) { return left.code == right.code; });
    if (twice != items.end())
      diagnostics_.error({path_}, fmt::format("{} {} is listed twice", what, twice->code));
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
  auto tree = load_yaml_tree(path);
  if (!tree) return base::unexpected(std::move(tree.error()));
  return PlacesLoader(path).load(*tree);
}

}  // namespace meridian::geo

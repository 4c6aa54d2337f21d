// What an import of a folder made and told, for the tests of importer/.
#pragma once

#include "config/place_ref.hpp"
#include "geo/places.hpp"
#include "importer/map_writer.hpp"
#include "importer/report.hpp"
#include "unit/config/map_folder.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace meridian::importer::test {

inline const geo::Places& places() {
  static const auto loaded = geo::load_places(MERIDIAN_SOURCE_DIR "/geo/data/places.json");
  REQUIRE(loaded.has_value());
  return *loaded;
}

struct Result {
  ImportedMap imported;
  std::string report;
  std::string errors;

  /// The rules of a map, a line each: "DE: ams iad".
  [[nodiscard]] std::string rules(std::string_view name) const {
    std::string text;
    for (const auto& map : imported.model.maps) {
      if (map.name.text != name) continue;
      for (const auto& rule : map.rules) {
        const bool is_nearest = rule.order == config::Rule::Order::Nearest;
        text += config::to_string(rule.place) + ":" +
                (is_nearest ? fmt::format(" nearest {}", rule.nearest_count) : "");
        for (const auto& tier : rule.tiers) text += " " + tier.front().name.text;
        text += "\n";
      }
    }
    return text;
  }

  [[nodiscard]] const config::Service& service(std::string_view name) const {
    const auto found = std::ranges::find(imported.model.services, name,
                                         [](const config::Service& each) { return each.name.text; });
    REQUIRE(found != imported.model.services.end());
    return *found;
  }

  [[nodiscard]] std::string file(std::string_view name) const {
    const auto found = std::ranges::find(imported.zone_files, name, &MapFile::name);
    return found == imported.zone_files.end() ? "none" : found->text;
  }
};

/// `import(report)` reads what lies in `folder`.
template <typename Import>
Result result_of(const config::test::MapFolder& folder, const Import& import) {
  Report report;
  auto imported = import(report);
  Result result;
  result.report = folder.without_path(report.to_text());
  if (imported) {
    result.imported = std::move(*imported);
  } else {
    result.errors = folder.without_path(imported.error().to_text());
  }
  return result;
}

}  // namespace meridian::importer::test

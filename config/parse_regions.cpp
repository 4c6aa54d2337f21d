#include "config/parse.hpp"
#include "config/place_ref.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace meridian::config {
namespace {

std::vector<PlaceRef> parse_members(const YamlValue& value) {
  std::vector<PlaceRef> members;
  const auto items = value.read_list();
  if (!items) return members;
  std::unordered_map<std::string, int> first_lines;
  bool has_errors = false;
  for (const auto& item : *items) {
    const auto text = item.read_text();
    auto place = text ? parse_region_member(text->text) : base::unexpected(std::string{});
    if (!place) {
      if (text) item.error(place.error());
      has_errors = true;
      continue;
    }
    place->where = item.where();
    const auto written = to_string(*place);
    const auto [first, is_new] = first_lines.emplace(written, place->where.line);
    if (!is_new)
      item.error(
          fmt::format("'{}' stands twice in this region; the first is in line {}", written, first->second));
    if (is_new) members.push_back(std::move(*place));
  }
  const bool adds_something =
      std::any_of(members.begin(), members.end(), [](const PlaceRef& p) { return !p.negated; });
  if (!adds_something && !has_errors) {
    value.error(members.empty()
                    ? fmt::format("region '{}' names no place", value.label())
                    : fmt::format("region '{}' has only 'not' members; name what they are taken out of",
                                  value.label()));
  }
  return members;
}

}  // namespace

bool parse_regions(const YamlValue& root, DefinedNames& defined, std::vector<Region>& regions) {
  const auto file = root.read_mapping(object_spec(ObjectKind::RegionsFile));
  const auto value = file ? file->find("regions") : std::nullopt;
  const auto entries = value ? value->read_entries() : std::nullopt;
  if (!entries) return false;
  bool is_complete = true;
  for (const auto& entry : *entries) {
    auto name = read_name(entry.key, "region");
    const auto clash = name ? find_name_clash(name->text) : std::string{};
    if (!clash.empty()) {
      entry.key.error(fmt::format("'{}' {} and can't name a region", name->text, clash));
      name.reset();
    }
    is_complete = is_complete && name;
    Region region;
    region.members = parse_members(entry.value);
    if (!name || !defined.add(name->text, *name, root.diagnostics())) continue;
    region.name = std::move(*name);
    regions.push_back(std::move(region));
  }
  return is_complete;
}

}  // namespace meridian::config

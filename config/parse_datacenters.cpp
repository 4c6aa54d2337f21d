#include "config/parse.hpp"

#include <fmt/format.h>

#include <utility>

namespace meridian::config {
namespace {

/// Words that stand where a datacenter's name could.
bool is_keyword(std::string_view name) noexcept {
  return name == "nearest" || name == "fastest" || name == "as_listed";
}

std::optional<base::Coordinates> parse_coordinates(const YamlValue& value) {
  const auto items = value.is_list() ? value.read_list() : std::nullopt;
  if (!items || items->size() != 2) {
    value.error_expected("[latitude, longitude]");
    return std::nullopt;
  }
  const auto latitude = (*items)[0].read_real(-90, 90);
  const auto longitude = (*items)[1].read_real(-180, 180);
  if (!latitude || !longitude) return std::nullopt;
  return base::Coordinates{*latitude, *longitude};
}

std::vector<std::string> parse_tags(const YamlValue& value) {
  std::vector<std::string> tags;
  const auto items = value.read_list();
  if (!items) return tags;
  for (const auto& item : *items) {
    if (const auto tag = item.read_text()) tags.push_back(tag->text);
  }
  return tags;
}

void parse_datacenter(const YamlValue& value, Datacenter& datacenter) {
  const auto mapping = value.read_mapping(object_spec(ObjectKind::Datacenter));
  if (!mapping) return;
  if (const auto at = mapping->find("at")) datacenter.at = parse_coordinates(*at);
  if (const auto capacity = mapping->find("capacity")) datacenter.capacity = capacity->read_positive();
  if (const auto tags = mapping->find("tags")) datacenter.tags = parse_tags(*tags);
  if (const auto named_only = mapping->find("named_only")) {
    datacenter.named_only = named_only->read_boolean().value_or(datacenter.named_only);
  }
}

}  // namespace

bool parse_datacenters(const YamlValue& root, DefinedNames& defined, std::vector<Datacenter>& datacenters) {
  const auto file = root.read_mapping(object_spec(ObjectKind::DatacentersFile));
  const auto value = file ? file->find("datacenters") : std::nullopt;
  const auto entries = value ? value->read_entries() : std::nullopt;
  if (!entries) return false;
  if (entries->empty()) value->error("'datacenters' names none; a map needs at least one");
  bool is_complete = true;
  for (const auto& entry : *entries) {
    auto name = read_name(entry.key, "datacenter");
    if (name && is_keyword(name->text)) {
      entry.key.error(fmt::format("'{}' is a keyword and can't name a datacenter", name->text));
      name.reset();
    }
    is_complete = is_complete && name;
    Datacenter datacenter;
    parse_datacenter(entry.value, datacenter);
    if (!name || !defined.add(name->text, *name, root.diagnostics())) continue;
    datacenter.name = std::move(*name);
    datacenters.push_back(std::move(datacenter));
  }
  return is_complete;
}

}  // namespace meridian::config

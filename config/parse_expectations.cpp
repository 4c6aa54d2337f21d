#include "config/parse.hpp"
#include "config/yaml_tree.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace meridian::config {
namespace {

/// `ams` or `[ams, fra]`.
std::vector<Word> parse_datacenter_names(const YamlValue& value) {
  if (const auto items = value.is_list() ? value.read_list() : std::nullopt; items && items->empty()) {
    value.error(fmt::format("'{}' names no datacenter; name one, or leave the key out", value.label()));
    return {};
  }
  if (!value.is_text()) return read_names(value, "datacenter");
  if (auto name = read_name(value, "datacenter")) return {std::move(*name)};
  return {};
}

/// What is asked: a name or a map. False when neither is known, which has been told.
bool parse_subject(const YamlValue& value, const YamlMapping& mapping, Expectation& expectation) {
  const auto ask = mapping.find("ask");
  const auto map = mapping.find("map");
  if (ask && map) {
    map->error("an expectation has either 'ask' or 'map', not both");
    return false;
  }
  if (!ask && !map) {
    value.error("this expectation asks for nothing; add 'ask' with a steered name, or 'map'");
    return false;
  }
  if (map) {
    if (auto name = read_name(*map, "map")) expectation.map = std::move(*name);
    return !expectation.map.text.empty();
  }
  const auto text = ask->read_text();
  const auto owner = text ? parse_dns_name(*ask, text->text) : std::nullopt;
  if (!owner) return false;
  expectation.ask = *text;
  expectation.ask_owner = *owner;
  return true;
}

std::optional<Expectation> parse_expectation(const YamlValue& value) {
  const auto mapping = value.read_mapping(object_spec(ObjectKind::Expectation));
  if (!mapping) return std::nullopt;
  Expectation expectation;
  expectation.where = value.where();
  const auto from = mapping->find("from");
  const auto place = from ? read_place(*from, "an expectation") : std::nullopt;
  const bool has_subject = parse_subject(value, *mapping, expectation);
  const auto first = mapping->find("first");
  const auto never = mapping->find("never");
  const auto at_least = mapping->find("datacenters_at_least");
  if (!first && !never && !at_least)
    value.error("this expectation expects nothing; add 'first', 'never' or 'datacenters_at_least'");
  if (first) expectation.first = parse_datacenter_names(*first);
  if (never) expectation.never = parse_datacenter_names(*never);
  if (at_least) {
    expectation.datacenters_at_least = at_least->read_integer(1, base::limits::kDatacentersMax).value_or(0);
  }
  if (const auto note = mapping->find("note")) {
    if (const auto text = note->read_text()) expectation.note = text->text;
  }
  if (!place || !has_subject) return std::nullopt;
  expectation.from = *place;
  return expectation;
}

}  // namespace

void parse_expectations(const YamlValue& root, std::vector<Expectation>& expectations) {
  const auto file = root.read_mapping(object_spec(ObjectKind::ExpectFile));
  const auto value = file ? file->find("expect") : std::nullopt;
  const auto items = value ? value->read_list() : std::nullopt;
  if (!items) return;
  for (const auto& item : *items) {
    if (auto expectation = parse_expectation(item)) expectations.push_back(std::move(*expectation));
  }
}

}  // namespace meridian::config

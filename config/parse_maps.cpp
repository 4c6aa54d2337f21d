#include "config/parse.hpp"
#include "config/ranges.hpp"

#include <fmt/format.h>

#include <unordered_map>
#include <utility>

namespace meridian::config {
namespace {

/// Words of `prefer` that a list of names can't hold.
std::optional<std::string> find_misplaced_order(std::string_view name) {
  if (name == "nearest")
    return "'nearest' orders all datacenters and can't stand in a list; write prefer: nearest";
  if (name == "as_listed")
    return "'as_listed' takes the datacenters from a networks file and can't stand in a list; write prefer: "
           "as_listed";
  if (name == "fastest") return "'fastest' is not supported in this version";
  return std::nullopt;
}

std::optional<Word> parse_datacenter_name(const YamlValue& value) {
  auto name = read_name(value, "datacenter");
  const auto problem = name ? find_misplaced_order(name->text) : std::nullopt;
  if (!problem) return name;
  value.error(*problem);
  return std::nullopt;
}

/// A name, or a mapping of names to weights.
Tier parse_tier(const YamlValue& value) {
  Tier tier;
  if (!value.is_mapping()) {
    if (!value.is_text()) {
      value.error_expected("a datacenter, or datacenters with weights such as {ams: 70, fra: 30}");
      return tier;
    }
    if (auto name = parse_datacenter_name(value)) tier.push_back({std::move(*name), 1});
    return tier;
  }
  const auto entries = value.read_entries();
  if (entries->empty()) value.error("this tier names no datacenter");
  for (const auto& entry : *entries) {
    auto name = parse_datacenter_name(entry.key);
    const auto weight = entry.value.read_integer(1, ranges::kWeightMax);
    if (name) tier.push_back({std::move(*name), weight.value_or(1)});
  }
  return tier;
}

std::vector<Tier> parse_tiers(const YamlValue& value) {
  std::vector<Tier> tiers;
  const auto items = value.read_list();
  if (!items) return tiers;
  std::unordered_map<std::string, int> first_lines;
  for (const auto& item : *items) {
    Tier tier;
    for (auto& datacenter : parse_tier(item)) {
      const auto& name = datacenter.name;
      const auto [first, is_new] = first_lines.emplace(name.text, name.where.line);
      if (is_new) {
        tier.push_back(std::move(datacenter));
      } else {
        value.diagnostics().error(
            name.where, fmt::format("datacenter '{}' stands twice in this rule; the first is in line {}",
                                    name.text, first->second));
      }
    }
    if (!tier.empty()) tiers.push_back(std::move(tier));
  }
  return tiers;
}

void parse_prefer(const YamlValue& value, Rule& rule) {
  if (value.is_text()) {
    const auto word = value.read_text();
    if (!word || word->text == "nearest") return;
    if (word->text == "as_listed") {
      rule.order = Rule::Order::AsListed;
      return;
    }
    const auto problem = word->text == "fastest" ? find_misplaced_order(word->text) : std::nullopt;
    if (problem) {
      value.error(*problem);
    } else {
      value.error_expected(is_name(word->text) ? fmt::format("a list ([{}]) or nearest", word->text)
                                               : std::string{"a list of datacenters or nearest"});
    }
    return;
  }
  if (value.is_mapping()) {
    if (!value.has_key("nearest")) {
      value.error_expected("a list of tiers, such as [{ams: 70, fra: 30}], or {nearest: 5}");
      return;
    }
    const auto mapping = value.read_mapping(object_spec(ObjectKind::Nearest));
    const auto count = mapping->find("nearest");
    if (count) rule.nearest_count = count->read_integer(1, ranges::kNearestMax).value_or(rule.nearest_count);
    return;
  }
  rule.order = Rule::Order::Prefer;
  rule.tiers = parse_tiers(value);
  const auto items = value.is_list() ? value.read_list() : std::nullopt;
  if (items && items->empty())
    value.error("'prefer' names no datacenter; write prefer: nearest, or only: [] to answer with none");
}

/// nullopt when nobody can say whom the rule is for.
std::optional<Rule> parse_rule(const YamlValue& value) {
  const auto mapping = value.read_mapping(object_spec(ObjectKind::Rule));
  if (!mapping) return std::nullopt;
  Rule rule;
  rule.where = value.where();
  const auto for_value = mapping->find("for");
  const auto place = for_value ? read_place(*for_value, "a rule") : std::nullopt;
  const auto prefer = mapping->find("prefer");
  const auto only = mapping->find("only");
  if (prefer && only) only->error("a rule has either 'prefer' or 'only', not both");
  if (!prefer && !only && !value.has_key("nearest"))
    value.error("this rule says nothing; add 'prefer' or 'only'");
  if (prefer) {
    parse_prefer(*prefer, rule);
  } else if (only) {
    rule.order = Rule::Order::Only;
    rule.tiers = parse_tiers(*only);
  }
  if (const auto note = mapping->find("note")) {
    if (const auto text = note->read_text()) rule.note = text->text;
  }
  if (const auto until = mapping->find("until")) rule.until = until->read_date();
  if (!place) return std::nullopt;
  rule.place = *place;
  if (rule.order == Rule::Order::AsListed && place->kind != PlaceRef::Kind::NetworksFile) {
    prefer->error(
        "'as_listed' takes the datacenters from the lines of a networks file; write for: file:…, or "
        "list them here");
  }
  return rule;
}

void parse_rules(const YamlValue& value, std::vector<Rule>& rules) {
  const auto items = value.read_list();
  if (!items) return;
  for (const auto& item : *items) {
    if (auto rule = parse_rule(item)) rules.push_back(std::move(*rule));
  }
}

void parse_map(const YamlValue& value, Map& map) {
  const auto mapping = value.read_mapping(object_spec(ObjectKind::Map));
  if (!mapping) return;
  if (const auto datacenters = mapping->find("datacenters"))
    map.datacenters = read_names(*datacenters, "datacenter");
  if (const auto geoip = mapping->find("geoip")) map.geoip = read_names(*geoip, "database");
  if (const auto rules = mapping->find("rules")) parse_rules(*rules, map.rules);
  if (const auto resolvers = mapping->find("resolvers")) parse_rules(*resolvers, map.resolvers);
}

}  // namespace

bool parse_maps(const YamlValue& root, DefinedNames& defined, std::vector<Map>& maps) {
  const auto file = root.read_mapping(object_spec(ObjectKind::MapsFile));
  const auto value = file ? file->find("maps") : std::nullopt;
  const auto entries = value ? value->read_entries() : std::nullopt;
  if (!entries) return false;
  bool is_complete = true;
  for (const auto& entry : *entries) {
    auto name = read_name(entry.key, "map");
    is_complete = is_complete && name;
    Map map;
    parse_map(entry.value, map);
    if (!name || !defined.add(name->text, *name, root.diagnostics())) continue;
    map.name = std::move(*name);
    maps.push_back(std::move(map));
  }
  return is_complete;
}

}  // namespace meridian::config

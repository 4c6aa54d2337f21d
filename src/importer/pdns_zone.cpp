#include "importer/pdns_zone.hpp"

#include "base/ascii.hpp"
#include "base/limits.hpp"
#include "config/ranges.hpp"
#include "dns/name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace meridian::importer {
namespace {

using config::YamlNode;

bool is_address_type(std::string_view type) { return type == "A" || type == "AAAA"; }

/// Which words of a record's content are names: those get their final dot, which PowerDNS does without.
std::vector<std::size_t> name_words(std::string_view type) {
  if (type == "NS" || type == "CNAME" || type == "PTR" || type == "DNAME") return {0};
  if (type == "SOA") return {0, 1};
  if (type == "MX") return {1};
  if (type == "SRV") return {3};
  return {};
}

std::string with_dots(std::string_view type, const std::string& content) {
  const auto names = name_words(type);
  std::string out;
  std::size_t word = 0;
  for (std::size_t at = 0; at < content.size();) {
    const auto start = content.find_first_not_of(" \t", at);
    if (start == std::string::npos) break;
    const auto end = std::min(content.find_first_of(" \t", start), content.size());
    auto text = content.substr(start, end - start);
    if (std::ranges::find(names, word) != names.end() && !text.ends_with('.')) text += '.';
    out += (out.empty() ? "" : " ") + text;
    ++word;
    at = end;
  }
  return out;
}

std::string render_content(const PdnsRecord& record) {
  const bool is_text = record.type == "TXT" || record.type == "SPF";
  if (!is_text) return with_dots(record.type, record.content);
  if (record.content.starts_with('"')) return record.content;
  std::string quoted = "\"";
  for (const char c : record.content) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

/// `{content, ttl, weight}` or the content itself.
void read_value(const YamlNode& value, PdnsRecord& record, PdnsRecordSet& set, PdnsContext& context) {
  if (value.kind != YamlNode::Kind::Mapping) {
    record.content = value.text;
    return;
  }
  for (std::size_t i = 0; i + 1 < value.items.size(); i += 2) {
    const auto& key = *value.items[i];
    const auto& item = *value.items[i + 1];
    if (key.text == "content") {
      record.content = item.text;
    } else if (key.text == "ttl") {
      record.ttl_s = read_whole_number(item, context);
    } else if (key.text == "weight") {
      record.weight = read_whole_number(item, context);
      set.is_weighted = true;
      if (record.weight == 0) context.errors.error(context.at(item), "a weight is above 0");
    } else {
      context.errors.error(context.at(key),
                           fmt::format("'{}': a record has content, ttl and weight", key.text));
    }
  }
}

void read_record(const YamlNode& item, PdnsRecordSet& set, const PdnsZone& zone, PdnsContext& context) {
  if (item.kind != YamlNode::Kind::Mapping || item.items.size() != 2) {
    context.errors.error(context.at(item), "write a record as '- type: content'");
    return;
  }
  PdnsRecord record;
  record.type = base::to_upper(item.items[0]->text);
  record.ttl_s = zone.ttl_s;
  record.where = context.at(*item.items[0]);
  read_value(*item.items[1], record, set, context);
  if (record.type.empty()) return;  // an empty non-terminal: the zone makes them by itself
  if (PdnsTemplate(record.content).text() != PdnsTemplate(record.content).expand({}).value_or("")) {
    context.report.gap(
        record.where, fmt::format("{} '{}': the content depends on who asks; records can't here", record.type,
                                  record.content));
    return;
  }
  if (is_address_type(record.type) && !base::parse_ip_address(record.content)) {
    context.errors.error(record.where, fmt::format("'{}' is no IP address", record.content));
    return;
  }
  if (is_address_type(record.type)) {
    set.ttl_s = set.has_addresses ? std::min(set.ttl_s, record.ttl_s) : record.ttl_s;
    set.has_addresses = true;
  } else {
    set.has_others = true;
  }
  set.records.push_back(std::move(record));
}

}  // namespace

const YamlNode* find_key(const YamlNode& mapping, std::string_view key) {
  if (mapping.kind != YamlNode::Kind::Mapping) return nullptr;
  for (std::size_t i = 0; i + 1 < mapping.items.size(); i += 2) {
    if (mapping.items[i]->text == key) return mapping.items[i + 1];
  }
  return nullptr;
}

std::vector<const YamlNode*> values_of(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::List) return node.items;
  return {&node};
}

std::uint32_t read_whole_number(const YamlNode& node, PdnsContext& context) {
  std::uint32_t value = 0;
  const char* const end = node.text.data() + node.text.size();
  const auto [stop, failure] = std::from_chars(node.text.data(), end, value);
  if (failure == std::errc{} && stop == end && value <= base::limits::kTtlMax) return value;
  context.errors.error(context.at(node), fmt::format("'{}' is no whole number", node.text));
  return 0;
}

const std::string& PdnsContext::datacenter(std::string_view theirs, const base::Location& where) {
  return define_datacenter(theirs, where).ours;
}

std::string PdnsZone::label_of(const std::string& name_in_zone) const {
  const auto suffix = "." + name;
  if (name_in_zone == name) return "apex";
  return name_in_zone.ends_with(suffix) ? name_in_zone.substr(0, name_in_zone.size() - suffix.size())
                                        : name_in_zone;
}

config::Pool PdnsZone::pool_of(const PdnsRecordSet& set) const {
  config::Pool pool;
  for (const auto& record : set.records) {
    if (!is_address_type(record.type)) continue;
    const auto address = base::parse_ip_address(record.content);
    const auto known = std::ranges::find(pool.endpoints, *address, &config::PoolEndpoint::address);
    if (known != pool.endpoints.end()) continue;
    const auto weight = std::clamp<std::uint32_t>(record.weight, 1, config::ranges::kWeightMax);
    pool.endpoints.push_back({*address, set.is_weighted ? weight : 1, record.where});
  }
  return pool;
}

void read_pdns_records(const YamlNode& records, PdnsZone& zone, PdnsContext& context) {
  if (records.kind != YamlNode::Kind::Mapping)
    return context.errors.error(context.at(records), "'records' is a mapping of names to lists");
  for (std::size_t i = 0; i + 1 < records.items.size(); i += 2) {
    const auto& key = *records.items[i];
    auto name = base::to_lower(key.text);
    if (name.ends_with('.') && name.size() > 1) name.pop_back();
    if (name != zone.name && !name.ends_with("." + zone.name)) {
      context.report.gap(context.at(key), fmt::format("{} lies outside {}", name, zone.name));
      continue;
    }
    PdnsRecordSet set;
    set.where = context.at(key);
    for (const auto* item : values_of(*records.items[i + 1])) {
      if (item->kind != YamlNode::Kind::Null) read_record(*item, set, zone, context);
    }
    if (!zone.records.emplace(name, std::move(set)).second)
      context.errors.error(context.at(key), fmt::format("'{}' stands twice", name));
  }
}

void add_weighted_names(PdnsZone& zone, PdnsContext& context) {
  for (const auto& [name, set] : zone.records) {
    if (!set.is_weighted || !set.has_addresses || zone.steered.contains(name)) continue;
    const auto& datacenter = context.datacenter("any", {});
    if (context.any_map.empty()) {
      config::Map map;
      map.name = {context.maps.take("any"), {}};
      config::Rule rule;
      rule.order = config::Rule::Order::Only;
      rule.tiers = {{{{datacenter, {}}, 1}}};
      map.rules.push_back(std::move(rule));
      map.datacenters.push_back({datacenter, {}});
      context.any_map = map.name.text;
      context.out.model.maps.push_back(std::move(map));
    }
    config::Service service;
    service.name = {name, set.where};
    service.map = {context.any_map, {}};
    service.ttl_s = std::min(set.ttl_s, config::ranges::kTtlSecondsMax);
    service.answer = 1;
    service.pools.push_back(zone.pool_of(set));
    service.pools.back().datacenter = {datacenter, set.where};
    context.out.model.services.push_back(std::move(service));
    zone.steered.insert(name);
  }
}

MapFile render_pdns_zone(const PdnsZone& zone, PdnsContext& context) {
  std::string text =
      fmt::format("; Imported by meridianctl from {}; comments tell the lines there.\n$TTL {}\n",
                  context.path, zone.ttl_s);
  for (const auto& [name, set] : zone.records) {
    const bool is_steered = zone.steered.contains(name);
    std::set<std::string> told;
    for (const auto& record : set.records) {
      if (is_steered && is_address_type(record.type)) continue;
      if (set.is_weighted && !told.insert(record.type).second) {
        context.report.gap(record.where,
                           fmt::format("{} {} of several with weights, of which PowerDNS draws one: the "
                                       "first is kept",
                                       name, record.type));
        continue;
      }
      text += fmt::format("{}. {} IN {} {} ; {}\n", name, record.ttl_s, record.type, render_content(record),
                          record.where.line);
    }
  }
  const auto apex = dns::Name::parse(zone.name);
  if (!apex) context.errors.error(zone.where, apex.error());
  return {fmt::format("zones/{}.zone", zone.name == "." ? "@" : zone.name), std::move(text)};
}

}  // namespace meridian::importer

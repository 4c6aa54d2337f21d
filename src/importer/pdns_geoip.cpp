#include "importer/pdns_geoip.hpp"

#include "base/ascii.hpp"
#include "base/limits.hpp"
#include "config/ranges.hpp"
#include "config/yaml_tree.hpp"
#include "importer/pdns_zone.hpp"
#include "importer/source_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace meridian::importer {
namespace {

using config::YamlNode;

/// One service: a name, and the templates that say which records it has.
class ServiceImport {
 public:
  ServiceImport(const YamlNode& key, PdnsZone& zone, PdnsContext& context)
      : where_(context.at(key)), name_(base::to_lower(key.text)), zone_(zone), context_(context) {}

  void read(const YamlNode& value) {
    map_.name = {context_.maps.take(zone_.label_of(name_)), where_};
    service_.name = {name_, where_};
    service_.map = map_.name;
    service_.ttl_s = zone_.ttl_s;
    if (value.kind == YamlNode::Kind::Mapping) {
      read_networks(value);
    } else {
      add_default(read_formats(value), context_.at(value));
    }
    finish();
  }

 private:
  using Formats = std::vector<PdnsTemplate>;

  void gap(const base::Location& where, std::string what) { context_.report.gap(where, std::move(what)); }

  Formats read_formats(const YamlNode& value) {
    Formats formats;
    for (const auto* item : values_of(value)) {
      PdnsTemplate format(item->text);
      if (format.foreign().empty()) {
        formats.push_back(std::move(format));
        continue;
      }
      gap(context_.at(*item), fmt::format("template '{}' of {}: no place of a map stands for {}", item->text,
                                          name_, format.foreign()));
    }
    return formats;
  }

  void read_networks(const YamlNode& mapping) {
    bool has_default = false;
    for (std::size_t i = 0; i + 1 < mapping.items.size(); i += 2) {
      const auto& key = *mapping.items[i];
      const auto formats = read_formats(*mapping.items[i + 1]);
      if (key.text == "default") {
        has_default = true;
        add_default(formats, context_.at(key));
      } else {
        add_network(key, formats);
      }
    }
    if (!has_default) add_rule("everyone", "", where_);
  }

  void add_network(const YamlNode& key, const Formats& formats) {
    const auto where = context_.at(key);
    const auto slash = key.text.find('/');
    const auto address = base::parse_ip_address(key.text.substr(0, slash));
    const auto prefix = base::parse_ip_prefix(key.text);
    if (!prefix) {
      if (address) return gap(where, fmt::format("network {}: {}", key.text, prefix.error()));
      return context_.errors.error(where, fmt::format("'{}' is no network, and not 'default'", key.text));
    }
    const bool is_fixed =
        std::ranges::all_of(formats, [](const PdnsTemplate& format) { return format.is_literal(); });
    if (!is_fixed) {
      return gap(where,
                 fmt::format("network {} of {}: a template with placeholders inside a network; a rule for a "
                             "network has one list",
                             key.text, name_));
    }
    add_rule(base::to_string(*prefix), find_target(formats, {}), where);
  }

  /// What %mp is for a client, or "unknown", as PowerDNS has it.
  std::string mapping_of(const PdnsFacts& facts) const {
    for (const auto& lookup : zone_.lookups) {
      const auto key = lookup.expand(facts);
      const auto found = key ? zone_.mapping.find(*key) : zone_.mapping.end();
      if (found != zone_.mapping.end()) return base::to_lower(found->second);
    }
    return "unknown";
  }

  /// The first record that a format names for such clients; "" when there is none.
  std::string find_target(const Formats& formats, PdnsFacts facts) const {
    facts["mp"] = mapping_of(facts);
    for (const auto& format : formats) {
      const auto name = format.expand(facts);
      if (name && zone_.records.contains(*name)) return *name;
    }
    return {};
  }

  /// Facts with which a format names a record; %mp is taken apart by the mapping's keys.
  std::vector<PdnsFacts> facts_for(PdnsFacts facts) const {
    const auto mapped = facts.extract("mp");
    if (mapped.empty()) return {std::move(facts)};
    std::vector<PdnsFacts> all;
    for (const auto& [key, value] : zone_.mapping) {
      if (base::to_lower(value) != mapped.mapped()) continue;
      for (const auto& lookup : zone_.lookups) {
        auto more = lookup.match(key);
        if (!more) continue;
        more->insert(facts.begin(), facts.end());
        all.push_back(std::move(*more));
      }
    }
    return all;
  }

  /// Every place that some format has a record for, and every one with a mapping.
  std::set<std::string> find_places(const Formats& formats) {
    std::set<std::string> found;
    for (const auto& [record, set] : zone_.records) {
      std::string problem;
      if (!add_places(formats, record, found, problem) && !problem.empty())
        gap(set.where, fmt::format("{} by the templates of {}: {}", record, name_, problem));
    }
    const bool is_mapped =
        std::ranges::any_of(formats, [](const PdnsTemplate& format) { return format.has("mp"); });
    for (const auto& [key, value] : zone_.mapping) {
      for (const auto& lookup : zone_.lookups) {
        const auto facts = is_mapped ? lookup.match(key) : std::nullopt;
        if (!facts) continue;
        if (const auto place = place_of(*facts, context_.places)) found.insert(*place);
      }
    }
    found.erase("everyone");
    return found;
  }

  /// The places of one record by all formats; false when none has one, then `problem` may say why.
  bool add_places(const Formats& formats, const std::string& record, std::set<std::string>& found,
                  std::string& problem) {
    bool has_place = false;
    for (const auto& format : formats) {
      const auto facts = format.match(record);
      if (!facts) continue;
      for (const auto& each : facts_for(*facts)) {
        if (const auto place = place_of(each, context_.places)) {
          found.insert(*place);
          has_place = true;
        } else {
          problem = place.error();
        }
      }
    }
    return has_place;
  }

  /// PowerDNS asks the templates in their order; a rule for an AS comes before all others here.
  void check_order(const Formats& formats, const std::set<std::string>& places, const base::Location& where) {
    const auto is_as = [](const PdnsTemplate& format) { return format.has("as"); };
    const auto first = std::ranges::find_if(formats, is_as);
    const bool has_as = std::ranges::any_of(places, [](const std::string& place) {
      return place.size() > 2 && place.starts_with("AS") && place[2] >= '0' && place[2] <= '9';
    });
    const bool is_later =
        std::any_of(formats.begin(), first, [](const PdnsTemplate& format) { return !format.is_literal(); });
    if (has_as && first != formats.end() && is_later) {
      gap(where,
          fmt::format("a template with %as behind one with a place, of {}: an AS comes before a country or a "
                      "continent here",
                      name_));
    }
  }

  void add_default(const Formats& formats, const base::Location& where) {
    const auto places = find_places(formats);
    check_order(formats, places, where);
    for (const auto& place : places) {
      const auto target = find_target(formats, facts_of(place, context_.places));
      if (target.empty()) {
        gap(where,
            fmt::format(
                "{} for {}: PowerDNS answers with a CNAME to a name that is not among the records; here they "
                "get no address",
                name_, place));
      }
      add_rule(place, target, target.empty() ? where : zone_.records.at(target).where);
    }
    const auto others = find_target(formats, {});
    if (others.empty()) {
      gap(where,
          fmt::format(
              "{} for all other clients: PowerDNS answers with a CNAME to a name that is not among the "
              "records; here they get no address",
              name_));
    }
    add_rule("everyone", others, where);
  }

  void add_rule(const std::string& place, const std::string& target, const base::Location& where) {
    auto parsed = rule_for(place, where);
    if (!parsed) return gap(where, fmt::format("{}: {}", place, parsed.error()));
    auto& rule = *parsed;
    rule.order = config::Rule::Order::Only;
    if (const auto datacenter = use_target(target); !datacenter.empty())
      rule.tiers = {{{{datacenter, where}, 1}}};
    map_.rules.push_back(std::move(rule));
  }

  /// The datacenter that stands for a record's addresses, with its pool; "" when it has none.
  std::string use_target(const std::string& target) {
    if (target.empty()) return {};
    const auto& set = zone_.records.at(target);
    const auto pool = zone_.pool_of(set);
    if (set.has_others) {
      gap(set.where,
          fmt::format("{}: other records than A and AAAA do not depend on the client here, so {} does not "
                      "have them",
                      target, name_));
    }
    if (pool.endpoints.empty()) {
      gap(set.where, fmt::format("{} has no addresses, so these clients of {} get none", target, name_));
      return {};
    }
    const auto& datacenter = context_.datacenter(zone_.label_of(target), set.where);
    const bool is_known = std::ranges::any_of(
        service_.pools, [&](const config::Pool& known) { return known.datacenter.text == datacenter; });
    if (is_known) return datacenter;
    service_.pools.push_back(pool);
    service_.pools.back().datacenter = {datacenter, set.where};
    wants_one_.push_back(set.is_weighted && pool.endpoints.size() > 1);
    ttls_.insert(set.ttl_s);
    return datacenter;
  }

  void finish() {
    if (service_.pools.empty()) {
      return gap(where_,
                 fmt::format("{}: none of its templates leads to an address; the name is not there", name_));
    }
    for (const auto& pool : service_.pools) map_.datacenters.push_back(pool.datacenter);
    if (ttls_.size() == 1) service_.ttl_s = *ttls_.begin();
    if (ttls_.size() > 1) {
      gap(where_,
          fmt::format("records of {} have different TTLs: a service has one, {}", name_, service_.ttl_s));
    }
    service_.ttl_s = std::min(service_.ttl_s, config::ranges::kTtlSecondsMax);
    choose_answer();
    if (const auto record = zone_.records.find(name_);
        record != zone_.records.end() && record->second.has_addresses) {
      gap(record->second.where,
          fmt::format("{} is a service and has addresses of its own: PowerDNS answers with both, "
                      "here the service has the name",
                      name_));
    }
    zone_.steered.insert(name_);
    context_.out.model.maps.push_back(std::move(map_));
    context_.out.model.services.push_back(std::move(service_));
  }

  void choose_answer() {
    const bool some = std::ranges::any_of(wants_one_, [](bool one) { return one; });
    const bool all = std::ranges::all_of(service_.pools, [&](const config::Pool& pool) {
      return pool.endpoints.size() == 1 ||
             wants_one_[static_cast<std::size_t>(&pool - service_.pools.data())];
    });
    std::size_t most = 0;
    for (const auto& pool : service_.pools) most = std::max(most, pool.endpoints.size());
    if (some && !all) {
      gap(where_,
          fmt::format(
              "{}: some of its records have weights, of which PowerDNS draws one, and others are answered "
              "whole; a service has one 'answer', 1",
              name_));
    }
    if (some) {
      service_.answer = 1;
    } else if (most > service_.answer) {
      service_.answer = static_cast<std::uint32_t>(std::min(most, base::limits::kAnswerAddressesMax));
    }
  }

  base::Location where_;
  std::string name_;
  PdnsZone& zone_;
  PdnsContext& context_;
  config::Map map_;
  config::Service service_;
  std::vector<bool> wants_one_;  ///< of each pool: PowerDNS draws one of its addresses
  std::set<std::uint32_t> ttls_;
};

/// `mapping_lookup_formats` and `custom_mapping`, of the file or of a domain.
void read_mapping(const YamlNode& mapping, PdnsZone& zone, PdnsContext& context) {
  if (const auto* formats = find_key(mapping, "mapping_lookup_formats")) {
    zone.lookups.clear();
    for (const auto* item : values_of(*formats)) {
      PdnsTemplate lookup(item->text);
      if (!lookup.foreign().empty()) {
        context.report.gap(
            context.at(*item),
            fmt::format("lookup format '{}': no place of a map stands for {}", item->text, lookup.foreign()));
      } else {
        zone.lookups.push_back(std::move(lookup));
      }
    }
  }
  const auto* custom = find_key(mapping, "custom_mapping");
  if (custom == nullptr || custom->kind != YamlNode::Kind::Mapping) return;
  zone.mapping.clear();
  for (std::size_t i = 0; i + 1 < custom->items.size(); i += 2)
    zone.mapping.emplace(custom->items[i]->text, custom->items[i + 1]->text);
}

void import_domain(const YamlNode& domain, const YamlNode& file, PdnsContext& context) {
  const auto* name = find_key(domain, "domain");
  if (domain.kind != YamlNode::Kind::Mapping || name == nullptr)
    return context.errors.error(context.at(domain), "a domain has no 'domain'");
  PdnsZone zone;
  zone.name = base::to_lower(name->text);
  zone.where = context.at(*name);
  if (zone.name.ends_with('.') && zone.name.size() > 1) zone.name.pop_back();
  const auto* ttl = find_key(domain, "ttl");
  zone.ttl_s = ttl != nullptr ? read_whole_number(*ttl, context) : 0;
  if (ttl == nullptr) context.errors.error(zone.where, fmt::format("domain '{}' has no 'ttl'", zone.name));
  read_mapping(file, zone, context);
  read_mapping(domain, zone, context);
  for (std::size_t i = 0; i + 1 < domain.items.size(); i += 2) {
    const auto& key = domain.items[i]->text;
    if (key != "domain" && key != "ttl" && key != "records" && key != "services" &&
        key != "mapping_lookup_formats" && key != "custom_mapping")
      context.report.gap(context.at(*domain.items[i]),
                         fmt::format("'{}' of domain '{}': it is not known", key, zone.name));
  }
  if (const auto* records = find_key(domain, "records")) read_pdns_records(*records, zone, context);
  if (const auto* services = find_key(domain, "services"); services != nullptr) {
    for (std::size_t i = 0; i + 1 < services->items.size(); i += 2)
      ServiceImport(*services->items[i], zone, context).read(*services->items[i + 1]);
  }
  add_weighted_names(zone, context);
  context.out.zone_files.push_back(render_pdns_zone(zone, context));
}

}  // namespace

base::Expected<ImportedMap, base::Diagnostics> import_pdns_geoip(const std::string& path,
                                                                 const geo::Places& places, Report& report) {
  ImportedMap imported;
  base::Diagnostics errors;
  const auto text = read_source_file(path);
  if (!text) {
    errors.error({path, 0, 0}, text.error());
    return base::unexpected(std::move(errors));
  }
  const auto tree = config::parse_yaml(*text, path, errors);
  if (!tree) return base::unexpected(std::move(errors));
  PdnsContext context(path, places, report, errors, imported);
  const auto& root = tree->root();
  const auto* domains = find_key(root, "domains");
  if (domains == nullptr || domains->kind != YamlNode::Kind::List)
    errors.error({path, 0, 0}, "has no list 'domains'; this is no zones file of the geoip backend");
  if (domains != nullptr) {
    for (const auto* domain : domains->items) import_domain(*domain, root, context);
  }
  if (imported.model.datacenters.empty()) (void)context.datacenter("any", {});
  if (errors.has_errors()) return base::unexpected(std::move(errors));
  return imported;
}

}  // namespace meridian::importer

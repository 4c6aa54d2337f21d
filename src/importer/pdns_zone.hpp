// Records of one domain of PowerDNS's geoip backend: as pools for services, and as a zone file. Only
// pdns*.cpp include this.
//
// Off the hot path; one thread.
#pragma once

#include "config/model.hpp"
#include "config/yaml_tree.hpp"
#include "importer/import_context.hpp"
#include "importer/pdns_template.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::importer {

struct PdnsContext : ImportContext {
  PdnsContext(std::string file, const geo::Places& known_places, Report& to, base::Diagnostics& problems,
              ImportedMap& imported)
      : ImportContext(known_places, to, problems, imported), path(std::move(file)) {}

  std::string path;
  std::string any_map;  ///< the map with one datacenter for everyone, once something needs it

  [[nodiscard]] base::Location at(const config::YamlNode& node) const {
    return {path, node.line, node.column};
  }
  /// Our datacenter for a name of theirs, defined on the way.
  const std::string& datacenter(std::string_view theirs, const base::Location& where);
};

struct PdnsRecord {
  std::string type;  ///< upper case
  std::string content;
  std::uint32_t ttl_s = 0;
  std::uint32_t weight = 100;
  base::Location where;
};

/// All records of one name.
struct PdnsRecordSet {
  std::vector<PdnsRecord> records;
  base::Location where;
  std::uint32_t ttl_s = 0;   ///< of its addresses
  bool is_weighted = false;  ///< PowerDNS draws one of each type
  bool has_addresses = false;
  bool has_others = false;
};

struct PdnsZone {
  std::string name;
  base::Location where;
  std::uint32_t ttl_s = 0;
  std::map<std::string, PdnsRecordSet> records;  ///< by lower-case name without final dot
  std::vector<PdnsTemplate> lookups;             ///< mapping_lookup_formats
  std::map<std::string, std::string> mapping;    ///< custom_mapping
  std::set<std::string> steered;                 ///< names that services have

  /// A name without the domain, as a label: "fin.eu.service.geo.example.com" → "fin.eu.service".
  [[nodiscard]] std::string label_of(const std::string& name_in_zone) const;
  /// A and AAAA of a name, with their weights.
  [[nodiscard]] config::Pool pool_of(const PdnsRecordSet& set) const;
};

/// The value of a key of a mapping, or nullptr.
[[nodiscard]] const config::YamlNode* find_key(const config::YamlNode& mapping, std::string_view key);
/// The items of a list, or the node itself.
[[nodiscard]] std::vector<const config::YamlNode*> values_of(const config::YamlNode& node);
[[nodiscard]] std::uint32_t read_whole_number(const config::YamlNode& node, PdnsContext& context);

/// `records:` of a domain.
void read_pdns_records(const config::YamlNode& records, PdnsZone& zone, PdnsContext& context);

/// Makes services of names whose addresses have weights: a zone file has none.
void add_weighted_names(PdnsZone& zone, PdnsContext& context);

/// What is not steered, as a zone file.
[[nodiscard]] MapFile render_pdns_zone(const PdnsZone& zone, PdnsContext& context);

}  // namespace meridian::importer

// One file's YAML tree to the model's structs: a function a kind of file, each in its own parse_*.cpp.
//
// They check forms, ranges and what stands twice; names of other things stay names (config/compile resolves
// them). Each adds what it understood, also of a thing that has errors elsewhere, and returns whether every
// name the operator meant to define is now known: if not, "not defined" elsewhere may be a false alarm.
#pragma once

#include "base/diagnostics.hpp"
#include "config/model.hpp"
#include "config/yaml_reader.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace meridian::config {

/// The names of one kind defined so far, over all its files.
class DefinedNames {
 public:
  /// `what` is "datacenter", "region", "map" or "service".
  explicit DefinedNames(std::string_view what) noexcept : what_(what) {}

  /// False, with an error that names both places, when `name` was defined before. The key is what is
  /// compared.
  [[nodiscard]] bool add(const std::string& key, const Word& name, base::Diagnostics& diagnostics);

 private:
  std::string_view what_;
  std::unordered_map<std::string, base::Location> first_;
};

/// A name of the DNS in lower case; nullopt when `value`'s text is none.
[[nodiscard]] std::optional<dns::Name> parse_dns_name(const YamlValue& value, const std::string& text);

/// The one place that a value names; nullopt after an error. `entry` is what to write several of where there
/// are several places, for example "a rule".
[[nodiscard]] std::optional<PlaceRef> read_place(const YamlValue& value, std::string_view entry);

[[nodiscard]] bool parse_datacenters(const YamlValue& root, DefinedNames& defined,
                                     std::vector<Datacenter>& datacenters);
[[nodiscard]] bool parse_regions(const YamlValue& root, DefinedNames& defined, std::vector<Region>& regions);
[[nodiscard]] bool parse_maps(const YamlValue& root, DefinedNames& defined, std::vector<Map>& maps);
/// What services.yaml defines.
struct DefinedServices {
  DefinedNames& checks;
  DefinedNames& services;
};
[[nodiscard]] bool parse_services(const YamlValue& root, DefinedServices defined, MapDirectory& model);
/// The value of its key `checks`.
[[nodiscard]] bool parse_checks(const YamlValue& value, DefinedNames& defined, std::vector<Check>& checks);
/// One check; what is wrong with it has been told.
[[nodiscard]] Check parse_check(const YamlValue& value);

/// Expectations define no names, so there is nothing that could be missing.
void parse_expectations(const YamlValue& root, std::vector<Expectation>& expectations);

/// The value of `cookies` in the site file. Files of secrets are named, not read.
[[nodiscard]] Cookies parse_cookies(const YamlValue& value);

/// The value of `rate_limit` in the site file.
[[nodiscard]] RateLimit parse_rate_limit(const YamlValue& value);

/// The values of `listen` and `tcp` in the site file.
void parse_listen(const YamlValue& value, Site& site);
/// "192.0.2.53:53"; an error where it is none.
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(const YamlValue& value);
[[nodiscard]] TcpSettings parse_tcp(const YamlValue& value);

/// A list of networks, at most `max`.
[[nodiscard]] std::vector<base::IpPrefix> parse_networks(const YamlValue& value, std::size_t max);

/// Paths stay as written; load_site_file makes them relative to the file.
void parse_site(const YamlValue& root, Site& site);
/// `on` or `off`; false after an error.
[[nodiscard]] bool parse_switch(const YamlValue& value);

/// `watch`: off, on, or a mapping.
void parse_site_watch(const YamlValue& value, Watch& watch);
/// `geoip_gate`: off, on, or a mapping.
void parse_geoip_gate(const YamlValue& value, GeoipGate& gate);
/// Its `query_log`, `dnstap` and `demand`.
void parse_query_log(const YamlMapping& site_keys, Site& site);
/// The value of its key `identity`.
void parse_identity(const YamlValue& value, Site& site);
/// An address to answer HTTP on, which only this host reaches.
[[nodiscard]] std::optional<ListenAddress> parse_loopback_http(const YamlValue& value);
/// The value of its key `anycast`; to be read last, since it must fit the rest.
void parse_anycast(const YamlValue& value, Site& site);

}  // namespace meridian::config

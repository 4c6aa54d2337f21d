#include "importer/gdnsd.hpp"

#include "importer/gdnsd_parts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

namespace meridian::importer {
namespace {

/// gdnsd's own default where neither option nor $TTL gives a TTL.
constexpr std::uint32_t kDefaultTtl = 86'400;

/// What the zones need of the options.
struct Options {
  std::uint32_t default_ttl_s = kDefaultTtl;
  bool split_text = true;
};

/// A value as it stands in a message.
std::string text_of(const VscfNode& value) {
  std::vector<std::string> items;
  for (const auto* item : value.values()) items.push_back(item->is_text() ? item->text : "{...}");
  return items.size() == 1 && !value.is_list() ? items.front() : fmt::format("[ {} ]", fmt::join(items, " "));
}

/// Where an option's counterpart is, if there is one.
std::string counterpart(std::string_view key) {
  if (key == "listen" || key == "dns_port")
    return "the site file's 'listen: dns:' has the addresses and ports";
  if (key == "udp_threads") return "the site file's 'workers'";
  if (key.starts_with("tcp_proxy")) return "the site file's 'listen: proxy:'";
  if (key.starts_with("tcp_")) return "the site file's 'tcp' has limits of DNS over TCP";
  if (key == "nsid" || key == "nsid_ascii") return "the site file's 'site' is what NSID tells";
  if (key == "chaos_response") return "the site file's 'identity'";
  if (key == "disable_cookies" || key == "cookie_key_file" || key == "max_nocookie_response")
    return "the site file's 'cookies'";
  if (key == "edns_client_subnet") return "a service's 'client_subnet'";
  return "it has no counterpart";
}

Options read_options(const VscfNode& node, GdnsdContext& context) {
  Options options;
  for (const auto& [key, where, value] : node.entries) {
    if (key == "zones_default_ttl") {
      const auto ttl = read_number(value, context.errors);
      if (ttl && *ttl >= 0)
        options.default_ttl_s = static_cast<std::uint32_t>(std::min(*ttl, double{0x7fff'ffff}));
    } else if (key == "disable_text_autosplit") {
      options.split_text = !read_bool(value, context.errors);
    } else {
      context.report.gap(where, fmt::format("option {} = {}: {}", key, text_of(value), counterpart(key)));
    }
  }
  return options;
}

void report_service_types(const VscfNode& node, GdnsdContext& context) {
  for (const auto& [key, where, value] : node.entries) {
    const auto* plugin = value.find("plugin");
    context.report.gap(
        where, fmt::format("service type '{}' ({}): write a check in services.yaml, and 'check' for the "
                           "services; without one every address counts as up",
                           key, plugin != nullptr ? plugin->text : "no plugin"));
  }
}

void check_plugins(const VscfNode& plugins, GdnsdContext& context) {
  static const std::vector<std::string> kKnown{"geoip",   "metafo",   "multifo", "null",
                                               "reflect", "simplefo", "static",  "weighted"};
  for (const auto& entry : plugins.entries) {
    if (std::ranges::find(kKnown, entry.key) != kKnown.end()) continue;
    context.report.gap(entry.where, fmt::format("plugin '{}': it has no counterpart", entry.key));
  }
}

void import_plugins(const VscfNode& plugins, const std::string& folder, GdnsdContext& context) {
  context.plugins = &plugins;
  check_plugins(plugins, context);
  const auto* geoip = plugins.find("geoip");
  const auto* maps = geoip != nullptr ? geoip->find("maps") : nullptr;
  if (maps != nullptr) import_geoip_maps(*maps, folder, context);
}

}  // namespace

const std::string& GdnsdContext::datacenter(std::string_view theirs, const base::Location& where) {
  const auto& [ours, is_new] = define_datacenter(theirs, where);
  if (is_new && ours != theirs)
    report.note(where, fmt::format("datacenter '{}' is called '{}' here", theirs, ours));
  return ours;
}

const std::string& GdnsdContext::list_map(std::string_view wanted, const std::vector<std::string>& list,
                                          const base::Location& where) {
  const auto key = fmt::format("{}", fmt::join(list, " "));
  const auto found = list_maps.find(key);
  if (found != list_maps.end()) return found->second;
  config::Map map;
  map.name = {maps.take(wanted), where};
  config::Rule rule;
  rule.order = config::Rule::Order::Only;
  rule.tiers = tiers_of(list, where);
  rule.where = where;
  map.rules.push_back(std::move(rule));
  for (const auto& name : list) map.datacenters.push_back({name, where});
  const auto& name = list_maps.emplace(key, map.name.text).first->second;
  out.model.maps.push_back(std::move(map));
  return name;
}

config::Map* GdnsdContext::find_map(std::string_view ours) {
  const auto found =
      std::ranges::find_if(out.model.maps, [&](const config::Map& map) { return map.name.text == ours; });
  return found == out.model.maps.end() ? nullptr : &*found;
}

bool read_bool(const VscfNode& node, base::Diagnostics& errors) {
  std::string word = node.text;
  for (char& c : word) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (node.is_text() && (word == "true" || word == "false")) return word == "true";
  errors.error(node.where, fmt::format("'{}': write true or false", node.text));
  return false;
}

std::optional<double> read_number(const VscfNode& node, base::Diagnostics& errors) {
  double value = 0;
  const char* const end = node.text.data() + node.text.size();
  const auto [stop, failure] = std::from_chars(node.text.data(), end, value);
  // Nothing that is counted or placed here is anywhere near the largest number that fits everywhere.
  constexpr double kMost = 1e9;
  if (node.is_text() && failure == std::errc{} && stop == end && value >= -kMost && value <= kMost)
    return value;
  errors.error(node.where, fmt::format("'{}' is no number", node.text));
  return std::nullopt;
}

std::vector<config::Tier> tiers_of(const std::vector<std::string>& datacenters, const base::Location& where) {
  std::vector<config::Tier> tiers;
  for (const auto& name : datacenters) tiers.push_back({{{name, where}, 1}});
  return tiers;
}

base::Expected<ImportedMap, base::Diagnostics> import_gdnsd(const std::string& config_path,
                                                            const geo::Places& places, Report& report) {
  ImportedMap imported;
  base::Diagnostics errors;
  const auto config = load_vscf(config_path, errors);
  if (!config) return base::unexpected(std::move(errors));
  GdnsdContext context(places, report, errors, imported);
  const auto folder = std::filesystem::path(config_path).parent_path().string();
  Options options;
  for (const auto& [key, where, value] : config->entries) {
    if (!value.is_hash()) {
      errors.error(value.where, fmt::format("'{}' must be a hash", key));
    } else if (key == "options") {
      options = read_options(value, context);
    } else if (key == "service_types") {
      report_service_types(value, context);
    } else if (key == "plugins") {
      import_plugins(value, folder, context);
    } else {
      errors.error(where, fmt::format("'{}': gdnsd knows options, service_types and plugins", key));
    }
  }
  GdnsdResources resources(context);
  import_gdnsd_zones((std::filesystem::path(folder) / "zones").string(), options.default_ttl_s,
                     options.split_text, resources, context);
  resources.note_unused();
  // A map needs a datacenter; zones without one keep a name that nothing uses.
  if (imported.model.datacenters.empty()) (void)context.datacenter("any", {});
  if (errors.has_errors()) return base::unexpected(std::move(errors));
  return imported;
}

}  // namespace meridian::importer

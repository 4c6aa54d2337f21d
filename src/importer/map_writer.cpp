#include "importer/map_writer.hpp"

#include "config/place_ref.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace meridian::importer {
namespace {

namespace fs = std::filesystem;

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// Domain names are plain YAML unless they begin with a sign or have escapes.
std::string yaml_name(const std::string& name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  const bool plain =
      !name.empty() && name.front() != '-' && name.front() != '.' && std::ranges::all_of(name, is_plain);
  return plain ? name : in_quotes(name);
}

std::string yaml_address(const base::IpAddress& address) {
  const auto text = base::to_string(address);
  return address.family == base::Family::V6 ? in_quotes(text) : text;
}

std::string yaml_place(const config::PlaceRef& place) {
  const auto text = config::to_string(place);
  const bool is_v6 =
      place.kind == config::PlaceRef::Kind::Network && place.network.address.family == base::Family::V6;
  return is_v6 ? in_quotes(text) : text;
}

/// "  # config:12", or nothing for what was made up.
std::string origin(const base::Location& where) {
  return where.file.empty() ? std::string{} : fmt::format("  # {}:{}", where.file, where.line);
}

std::string head(const std::string& source) {
  return fmt::format("# Imported by meridianctl from {}; comments tell the lines there.\n", source);
}

std::string render_datacenters(const config::MapDirectory& model, const std::string& source) {
  std::string text = head(source) + "datacenters:\n";
  for (const auto& datacenter : model.datacenters) {
    const auto at = datacenter.at
                        ? fmt::format("at: [{}, {}]", datacenter.at->latitude, datacenter.at->longitude)
                        : std::string{};
    text += fmt::format("  {}: {{{}}}{}\n", datacenter.name.text, at, origin(datacenter.name.where));
  }
  return text;
}

std::string render_tier(const config::Tier& tier) {
  if (tier.size() == 1 && tier.front().weight == 1) return tier.front().name.text;
  std::vector<std::string> members;
  for (const auto& member : tier) members.push_back(fmt::format("{}: {}", member.name.text, member.weight));
  return fmt::format("{{{}}}", fmt::join(members, ", "));
}

std::string render_order(const config::Rule& rule) {
  if (rule.order == config::Rule::Order::Nearest)
    return fmt::format("prefer: {{nearest: {}}}", rule.nearest_count);
  std::vector<std::string> tiers;
  for (const auto& tier : rule.tiers) tiers.push_back(render_tier(tier));
  const auto* key = rule.order == config::Rule::Order::Only ? "only" : "prefer";
  return fmt::format("{}: [{}]", key, fmt::join(tiers, ", "));
}

std::string render_maps(const config::MapDirectory& model, const std::string& source) {
  std::string text = head(source) + (model.maps.empty() ? "maps: {}\n" : "maps:\n");
  for (const auto& map : model.maps) {
    text += fmt::format("  {}:{}\n    rules:\n", map.name.text, origin(map.name.where));
    for (const auto& rule : map.rules) {
      text += fmt::format("      - {{for: {}, {}}}{}\n", yaml_place(rule.place), render_order(rule),
                          origin(rule.where));
    }
    std::vector<std::string> names;
    for (const auto& name : map.datacenters) names.push_back(name.text);
    if (!names.empty()) text += fmt::format("    datacenters: [{}]\n", fmt::join(names, ", "));
  }
  return text;
}

std::string render_addresses(const config::Pool& pool) {
  const bool is_weighted = std::ranges::any_of(
      pool.endpoints, [](const config::PoolEndpoint& endpoint) { return endpoint.weight != 1; });
  std::vector<std::string> items;
  for (const auto& endpoint : pool.endpoints) {
    const auto address = yaml_address(endpoint.address);
    items.push_back(is_weighted ? fmt::format("{}: {}", address, endpoint.weight) : address);
  }
  return is_weighted ? fmt::format("{{{}}}", fmt::join(items, ", "))
                     : fmt::format("[{}]", fmt::join(items, ", "));
}

std::string render_pool(const config::Pool& pool) {
  std::string text = render_addresses(pool);
  if (pool.at_least == 0 && !pool.force_down && !text.starts_with('{')) return text;
  text = "addresses: " + text;
  if (pool.at_least > 0) text += fmt::format(", at_least: {}", pool.at_least);
  if (pool.force_down) text += ", force: down";
  return fmt::format("{{{}}}", text);
}

std::string render_service(const config::Service& service) {
  const config::Service defaults;
  std::string text = fmt::format("  {}:{}\n", yaml_name(service.name.text), origin(service.name.where));
  if (service.view) {
    return text + fmt::format("    datacenter: {}\n    of: {}\n", service.view->datacenter.text,
                              yaml_name(service.view->of.text));
  }
  text += fmt::format("    map: {}\n    ttl: {}\n    pools:\n", service.map.text, service.ttl_s);
  for (const auto& pool : service.pools) {
    text += fmt::format("      {}: {}{}\n", pool.datacenter.text, render_pool(pool),
                        origin(pool.datacenter.where));
  }
  if (service.answer != defaults.answer) text += fmt::format("    answer: {}\n", service.answer);
  if (!service.sticky) text += "    spread: random\n";
  if (!service.use_client_subnet) text += "    client_subnet: ignore\n";
  if (service.overprovision != defaults.overprovision)
    text += fmt::format("    overprovision: {}\n", service.overprovision);
  return text;
}

std::string render_services(const config::MapDirectory& model, const std::string& source) {
  std::string text = head(source) + (model.services.empty() ? "services: {}\n" : "services:\n");
  for (const auto& service : model.services) text += render_service(service);
  return text;
}

base::Expected<void, std::string> write_file(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error)
    return base::unexpected(
        fmt::format("{} can't be made: {}", path.parent_path().string(), error.message()));
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream.write(text.data(), static_cast<std::streamsize>(text.size()));
  stream.close();
  if (!stream) return base::unexpected(fmt::format("{} can't be written", path.string()));
  return {};
}

}  // namespace

std::vector<MapFile> render_map(const ImportedMap& imported, const std::string& source) {
  std::vector<MapFile> files{{"datacenters.yaml", render_datacenters(imported.model, source)},
                             {"maps.yaml", render_maps(imported.model, source)},
                             {"services.yaml", render_services(imported.model, source)}};
  files.insert(files.end(), imported.zone_files.begin(), imported.zone_files.end());
  return files;
}

base::Expected<void, std::string> write_map(const std::vector<MapFile>& files, const std::string& directory,
                                            bool overwrite) {
  std::error_code error;
  const bool exists = fs::exists(directory, error);
  if (exists && !fs::is_directory(directory, error))
    return base::unexpected(fmt::format("{} is no directory", directory));
  const bool is_empty = !exists || fs::is_empty(directory, error);
  if (error) return base::unexpected(fmt::format("{} can't be read: {}", directory, error.message()));
  if (!is_empty && !overwrite) {
    return base::unexpected(
        fmt::format("{} is not empty; name a new directory, or overwrite with --force", directory));
  }
  for (const auto& file : files) {
    if (auto written = write_file(fs::path(directory) / file.name, file.text); !written) return written;
  }
  return {};
}

}  // namespace meridian::importer

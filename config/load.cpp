#include "config/load.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/regular_file.hpp"
#include "config/cookie_secrets.hpp"
#include "config/networks_file.hpp"
#include "config/yaml_tree.hpp"

#include <sys/un.h>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace meridian::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kZoneSuffix = ".zone";
/// The root zone's file: no other zone can have this name, while `root.` could exist.
constexpr std::string_view kRootZoneStem = "@";

/// The kinds of the map directory; `required` ones must be there.
struct MapFile {
  FileKind kind;
  bool required;
};
constexpr MapFile kMapFiles[] = {{FileKind::Datacenters, true},
                                 {FileKind::Regions, false},
                                 {FileKind::Maps, true},
                                 {FileKind::Services, true},
                                 {FileKind::Expect, false}};

base::Expected<std::string, std::string> read_file(const std::string& path) {
  auto text = base::read_regular_file(path, base::limits::kYamlFileBytesMax);
  if (text) return std::move(*text);
  if (text.error().kind != base::FileProblem::Kind::TooLarge)
    return base::unexpected(fmt::format("can't be read: {}", text.error().message));
  return base::unexpected(fmt::format("can't be read: {}; at most {} are read, split it",
                                      text.error().message, base::limits::kYamlFileBytesMax));
}

/// The names in a folder, sorted, without hidden ones; an error when it can't be read.
base::Expected<std::vector<std::string>, std::string> list_folder(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    auto name = entry->path().filename().string();
    if (!name.starts_with('.')) names.push_back(std::move(name));
  }
  if (error) return base::unexpected(fmt::format("can't be read: {}", error.message()));
  std::sort(names.begin(), names.end());
  return names;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::binary_search(names.begin(), names.end(), name);
}

std::string join(const std::string& folder, const std::string& name) {
  return (fs::path(folder) / name).string();
}

/// `x.yaml` and then `x.d/*.yaml`.
void load_kind(const std::vector<std::string>& names, const MapFile& file, const std::string& directory,
               MapBuilder& builder) {
  const auto single = fmt::format("{}.yaml", to_string(file.kind));
  const auto folder = fmt::format("{}.d", to_string(file.kind));
  const bool has_single = contains(names, single);
  const bool has_folder = contains(names, folder);
  if (has_single) builder.add_file(file.kind, join(directory, single));
  if (!has_single && !has_folder && file.required) {
    builder.add_unreadable(file.kind, directory, fmt::format("holds no {} and no {}", single, folder));
  }
  if (!has_folder) return;
  const auto parts = list_folder(join(directory, folder));
  if (!parts) return builder.add_unreadable(file.kind, join(directory, folder), parts.error());
  bool has_parts = false;
  for (const auto& part : *parts) {
    const auto path = join(join(directory, folder), part);
    has_parts = has_parts || part.ends_with(".yaml");
    if (part.ends_with(".yaml")) builder.add_file(file.kind, path);
    if (part.ends_with(".yml"))
      builder.add_unreadable(file.kind, path, "is not read; rename it to end in .yaml");
  }
  if (!has_parts && !has_single && file.required) {
    builder.add_unreadable(file.kind, join(directory, folder), "holds no *.yaml");
  }
}

/// A file that would silently not be read may be a slip in its name.
void check_strangers(const std::vector<std::string>& names, const std::string& directory,
                     base::Diagnostics& diagnostics) {
  std::vector<std::string> known;
  for (const auto& file : kMapFiles) {
    known.push_back(fmt::format("{}.yaml", to_string(file.kind)));
    known.push_back(fmt::format("{}.d", to_string(file.kind)));
  }
  for (const auto& name : names) {
    const bool looks_ours = name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".d");
    if (!looks_ours || std::find(known.begin(), known.end(), name) != known.end()) continue;
    diagnostics.error({join(directory, name), 0, 0},
                      fmt::format("is no file of a map{}", base::suggestion(name, known)));
  }
}

void load_zones(const std::string& directory, MapBuilder& builder) {
  const auto folder = join(directory, "zones");
  const auto names = list_folder(folder);
  if (!names) return builder.add_unreadable_zones(folder, names.error());
  bool has_zones = false;
  for (const auto& name : *names) {
    if (!name.ends_with(kZoneSuffix)) continue;
    builder.add_zone_file(join(folder, name));
    has_zones = true;
  }
  if (!has_zones) builder.add_unreadable_zones(folder, "holds no *.zone; a server needs at least one zone");
}

std::string resolve(const std::string& path, const std::string& site_path) {
  if (path.empty()) return path;
  return (fs::path(site_path).parent_path() / path).lexically_normal().string();
}

/// sun_path ends in a zero byte.
void check_socket_path(std::string_view what, const std::string& path, const base::Location& where,
                       base::Diagnostics& diagnostics) {
  if (path.size() < sizeof(sockaddr_un::sun_path)) return;
  diagnostics.error(where, fmt::format("{} path has {} bytes; a Unix socket's path has at most {}", what,
                                       path.size(), sizeof(sockaddr_un::sun_path) - 1));
}

void resolve_anycast(Anycast& anycast, const std::string& site_path, base::Diagnostics& diagnostics) {
  for (auto& neighbor : anycast.neighbors)
    neighbor.password_file = resolve(neighbor.password_file, site_path);
  auto& agent = anycast.agent;
  for (auto* path : {&agent.control, &agent.bridge, &agent.liveness}) {
    *path = resolve(*path, site_path);
    check_socket_path("the agent socket's", *path, agent.where, diagnostics);
  }
  agent.state = resolve(agent.state, site_path);
}

}  // namespace

bool& MapBuilder::completeness(FileKind kind) noexcept {
  switch (kind) {
    case FileKind::Datacenters:
      return map_.datacenters_complete;
    case FileKind::Regions:
      return map_.regions_complete;
    case FileKind::Maps:
      return map_.maps_complete;
    case FileKind::Services:
      return map_.services_complete;
    case FileKind::Expect:
      return expectations_complete_;
    case FileKind::Site:
      break;
  }
  base::assertion_failed("a site file is no part of a map", __FILE__, __LINE__);
}

bool MapBuilder::parse_tree(FileKind kind, const YamlValue& root) {
  auto& model = map_.model;
  switch (kind) {
    case FileKind::Datacenters:
      return parse_datacenters(root, datacenters_, model.datacenters);
    case FileKind::Regions:
      return parse_regions(root, regions_, model.regions);
    case FileKind::Maps:
      return parse_maps(root, maps_, model.maps);
    case FileKind::Services:
      return parse_services(root, {checks_, services_}, model);
    case FileKind::Expect:
      parse_expectations(root, model.expectations);
      return true;
    case FileKind::Site:
      break;
  }
  return false;
}

void MapBuilder::add_text(FileKind kind, std::string_view text, const std::string& file) {
  bool& is_complete = completeness(kind);
  const auto tree = parse_yaml(text, file, map_.diagnostics);
  const YamlFile yaml_file{file, map_.diagnostics};
  if (!tree || !parse_tree(kind, YamlValue{tree->root(), "", yaml_file})) is_complete = false;
}

void MapBuilder::add_file(FileKind kind, const std::string& path) {
  const auto text = read_file(path);
  if (!text) return add_unreadable(kind, path, text.error());
  add_text(kind, *text, path);
}

void MapBuilder::add_unreadable(FileKind kind, const std::string& path, std::string message) {
  completeness(kind) = false;
  map_.diagnostics.error({path, 0, 0}, std::move(message));
}

void MapBuilder::add_unreadable_zones(const std::string& path, std::string message) {
  map_.zones_complete = false;
  map_.diagnostics.error({path, 0, 0}, std::move(message));
}

void MapBuilder::read_networks_files() { load_networks_files(map_.model, map_.diagnostics); }

void MapBuilder::add_zone_file(const std::string& path) {
  const base::Location where{path, 0, 0};
  auto stem = fs::path(path).filename().string();
  if (stem.ends_with(kZoneSuffix)) stem.resize(stem.size() - kZoneSuffix.size());
  auto apex = dns::Name::parse(stem == kRootZoneStem ? "." : stem);
  if (!apex) {
    map_.zones_complete = false;
    map_.diagnostics.error(
        where, printable(fmt::format("the file's name must be a zone's name and .zone: {}", apex.error())));
    return;
  }
  apex->make_lower();
  const auto name = dns::to_string(*apex);
  if (zones_.add(name, {name, where}, map_.diagnostics)) map_.model.zones.push_back({*apex, path, where});
}

LoadedMap MapBuilder::take() {
  const auto& model = map_.model;
  if (model.datacenters.size() > base::limits::kDatacentersMax) {
    map_.diagnostics.error(model.datacenters.back().name.where,
                           fmt::format("{} datacenters; at most {} are supported", model.datacenters.size(),
                                       base::limits::kDatacentersMax));
  }
  if (model.maps.size() > base::limits::kMapsMax) {
    map_.diagnostics.error(
        model.maps.back().name.where,
        fmt::format("{} maps; at most {} are supported", model.maps.size(), base::limits::kMapsMax));
  }
  if (model.expectations.size() > base::limits::kExpectationsMax) {
    map_.diagnostics.error(model.expectations.back().where,
                           fmt::format("{} expectations; at most {} are supported", model.expectations.size(),
                                       base::limits::kExpectationsMax));
  }
  return std::move(map_);
}

LoadedMap load_map_directory(const std::string& path) {
  const auto names = list_folder(path);
  if (!names) {
    LoadedMap failed{.model = {},
                     .diagnostics = {},
                     .datacenters_complete = false,
                     .regions_complete = false,
                     .maps_complete = false,
                     .services_complete = false,
                     .zones_complete = false};
    failed.model.path = path;
    failed.diagnostics.error({path, 0, 0}, fmt::format("the map directory {}", names.error()));
    return failed;
  }
  MapBuilder builder(path);
  for (const auto& file : kMapFiles) load_kind(*names, file, path, builder);
  check_strangers(*names, path, builder.diagnostics());
  load_zones(path, builder);
  builder.read_networks_files();
  return builder.take();
}

LoadedSite parse_site_text(std::string_view text, const std::string& path) {
  LoadedSite loaded;
  loaded.site.path = path;
  const auto tree = parse_yaml(text, path, loaded.diagnostics);
  if (!tree) return loaded;
  const YamlFile file{path, loaded.diagnostics};
  const YamlValue root{tree->root(), "", file};
  parse_site(root, loaded.site);
  loaded.site.map = resolve(loaded.site.map, path);
  loaded.site.control_unix = resolve(loaded.site.control_unix, path);
  loaded.site.control_tokens = resolve(loaded.site.control_tokens, path);
  loaded.site.state = resolve(loaded.site.state, path);
  loaded.site.geoip_gate.demand = resolve(loaded.site.geoip_gate.demand, path);
  for (auto& database : loaded.site.geoip) {
    for (auto& databases_file : database.files) databases_file = resolve(databases_file, path);
  }
  if (loaded.site.query_log && loaded.site.query_log->file != QueryLog::kStandardError)
    loaded.site.query_log->file = resolve(loaded.site.query_log->file, path);
  if (loaded.site.dnstap) {
    auto& socket = loaded.site.dnstap->unix_socket;
    socket.text = resolve(socket.text, path);
    check_socket_path("the collector's", socket.text, socket.where, loaded.diagnostics);
  }
  if (loaded.site.anycast) resolve_anycast(*loaded.site.anycast, path, loaded.diagnostics);
  for (auto& secret : loaded.site.cookies.secrets) secret.file = resolve(secret.file, path);
  check_socket_path("the control socket's", loaded.site.control_unix, root.where(), loaded.diagnostics);
  return loaded;
}

LoadedSite load_site_file(const std::string& path, SecretFiles secrets) {
  const auto text = read_file(path);
  if (text) {
    auto loaded = parse_site_text(*text, path);
    if (secrets == SecretFiles::Read) load_cookie_secrets(loaded.site, loaded.diagnostics);
    return loaded;
  }
  LoadedSite failed;
  failed.site.path = path;
  failed.diagnostics.error({path, 0, 0}, text.error());
  return failed;
}

}  // namespace meridian::config

#include "base/data_folder.hpp"
#include "config/load.hpp"
#include "meridianctl/command.hpp"

#include <cstdio>
#include <filesystem>

namespace meridian::meridianctl {

void add_source_options(CLI::App& command, Options& options) {
  command.add_option("--site", options.site, "Site file (meridian.yaml) that names map and databases");
  command.add_option("--map", options.map, "Map directory, instead of the site file's");
  command.add_option("--geoip", options.geoip, "GeoIP files, instead of the site file's or the shipped one")
      ->expected(1, 16);
  command.add_option("--data", options.data, "Folder of the shipped country.mmdb and places.json");
}

base::Expected<compile::Sources, base::Diagnostics> find_sources(const Options& options,
                                                                 config::SecretFiles secrets) {
  compile::Sources sources;
  sources.data_folder = base::find_data_folder(options.data);
  if (!options.site.empty() || options.map.empty()) {
    const auto path = options.site.empty() ? kDefaultSite : options.site;
    auto loaded = config::load_site_file(path, secrets);
    if (loaded.diagnostics.has_errors()) return base::unexpected(std::move(loaded.diagnostics));
    std::fputs(loaded.diagnostics.to_text().c_str(), stderr);
    sources.map_folder = loaded.site.map;
    sources.geoip = loaded.site.geoip;
  }
  if (!options.map.empty()) sources.map_folder = options.map;
  if (!options.geoip.empty()) sources.geoip = {{"default", options.geoip, {}}};
  return sources;
}

std::string counted(std::size_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

void complain(const std::string& message) { std::fprintf(stderr, "meridianctl: %s\n", message.c_str()); }

}  // namespace meridian::meridianctl

// `meridianctl import`: another server's configuration as a map directory.
#include "meridianctl/command.hpp"

#include "base/data_folder.hpp"
#include "geo/places.hpp"
#include "importer/gdnsd.hpp"
#include "importer/map_writer.hpp"
#include "importer/pdns_geoip.hpp"
#include "importer/report.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>

namespace meridian::meridianctl {
namespace {

/// Imported, with something left for people to decide. Bad usage exits with the same number, and writes
/// nothing.
constexpr int kGaps = 2;

struct Arguments {
  std::string format;
  std::string source;
  std::string directory;
  bool force = false;
  bool json = false;
};

importer::Counts count(const importer::ImportedMap& imported) {
  importer::Counts counts;
  counts.datacenters = imported.model.datacenters.size();
  counts.maps = imported.model.maps.size();
  for (const auto& map : imported.model.maps) counts.rules += map.rules.size();
  counts.services = imported.model.services.size();
  for (const auto& file : imported.zone_files) {
    if (file.name.ends_with(".zone")) ++counts.zones;
  }
  return counts;
}

/// Reads what was written as a server would; false when it would not serve it.
bool check_result(const Options& options, const std::string& directory) {
  compile::Sources sources;
  sources.data_folder = base::find_data_folder(options.data);
  sources.map_folder = directory;
  if (!options.geoip.empty()) sources.geoip = {{"default", options.geoip, {}}};
  const auto compiled = compile::load_and_compile(sources, 1, std::chrono::system_clock::now());
  if (compiled) return true;
  std::fputs(compiled.error().to_text().c_str(), stderr);
  complain(
      fmt::format("the map in {} is written, and a server would refuse it for the reasons above", directory));
  return false;
}

void tell(const importer::Report& report, const importer::Counts& counts, const Arguments& arguments) {
  if (arguments.json) {
    fmt::print("{}\n", importer::to_json(report, counts, arguments.directory));
    return;
  }
  fmt::print("{}{}: imported · {}, {}, {}, {}, {} · {} not imported, {}\n", report.to_text(),
             arguments.directory, counted(counts.zones, "zone"), counted(counts.services, "service"),
             counted(counts.datacenters, "datacenter"), counted(counts.maps, "map"),
             counted(counts.rules, "rule"), counted(report.count(importer::Finding::Kind::Gap), "thing"),
             counted(report.count(importer::Finding::Kind::Note), "note"));
}

int import(const Options& options, const Arguments& arguments) {
  const auto places = geo::load_places(base::find_data_folder(options.data) + "/places.json");
  if (!places) {
    std::fputs(places.error().to_text().c_str(), stderr);
    return kProblems;
  }
  importer::Report report;
  const auto imported = arguments.format == "gdnsd"
                            ? importer::import_gdnsd(arguments.source, *places, report)
                            : importer::import_pdns_geoip(arguments.source, *places, report);
  if (!imported) {
    std::fputs(imported.error().to_text().c_str(), stderr);
    complain("nothing was written");
    return kProblems;
  }
  const auto files = importer::render_map(*imported, arguments.source);
  if (const auto written = importer::write_map(files, arguments.directory, arguments.force); !written) {
    complain(written.error());
    return kProblems;
  }
  tell(report, count(*imported), arguments);
  if (!check_result(options, arguments.directory)) return kProblems;
  return report.count(importer::Finding::Kind::Gap) > 0 ? kGaps : kOk;
}

}  // namespace

void add_import(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("import",
                                     "Make a map directory of another server's configuration, and list "
                                     "what could not be carried over");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("format", arguments->format, "gdnsd or pdns-geoip")
      ->required()
      ->check(CLI::IsMember({"gdnsd", "pdns-geoip"}));
  command
      ->add_option("source", arguments->source,
                   "gdnsd's config, or the zones file of PowerDNS's geoip backend")
      ->required();
  command->add_option("directory", arguments->directory, "Map directory to make; must be empty")->required();
  command->add_flag("--force", arguments->force, "Write into a directory that is not empty");
  command->add_flag("--json", arguments->json, "Print the report as one JSON object");
  command
      ->add_option("--geoip", options.geoip,
                   "GeoIP files to check the result with, instead of the shipped one")
      ->expected(1, 16);
  command->add_option("--data", options.data, "Folder of the shipped country.mmdb and places.json");
  command->callback([&options, arguments] { options.exit_code = import(options, *arguments); });
}

}  // namespace meridian::meridianctl

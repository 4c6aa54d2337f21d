// `meridianctl anycast forecast`: who would land where if sites withdrew, from the demand of each site.
#include "base/data_folder.hpp"
#include "geo/geo_database.hpp"
#include "meridianctl/anycast.hpp"
#include "plan/forecast.hpp"
#include "plan/forecast_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::meridianctl {
namespace {

using Sites = std::vector<plan::SiteDemand>;

struct Arguments {
  std::vector<std::string> without;
  std::vector<std::string> files;
  std::vector<std::string> capacities;
  std::string database;
  bool json = false;
};

/// "ams1=demand/a.txt", or the file alone, whose name without its ending is then the site's.
std::pair<std::string, std::string> split_file(const std::string& text) {
  const auto equals = text.find('=');
  if (equals != std::string::npos) return {text.substr(0, equals), text.substr(equals + 1)};
  return {std::filesystem::path(text).stem().string(), text};
}

plan::SiteDemand* find_site(Sites& sites, std::string_view name) {
  const auto at = std::find_if(sites.begin(), sites.end(),
                               [&](const plan::SiteDemand& site) { return site.name == name; });
  return at == sites.end() ? nullptr : &*at;
}

std::string unknown_site(const Sites& sites, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& site : sites) names.push_back(site.name);
  return fmt::format("no demand file is of a site '{}'{}; there are {}", name, base::suggestion(name, names),
                     fmt::join(names, ", "));
}

/// A line for the operator, or "".
std::string read_files(const Arguments& arguments, Sites& sites) {
  for (const auto& file : arguments.files) {
    const auto [name, path] = split_file(file);
    if (name.empty()) return fmt::format("'{}' names no site", file);
    if (find_site(sites, name) != nullptr)
      return fmt::format("two files are of '{}'; put them behind each other, or name one NAME={}", name,
                         path);
    auto demand = plan::load_demand(path);
    if (!demand) {
      auto problems = demand.error().to_text();
      if (problems.ends_with('\n')) problems.pop_back();
      return problems;
    }
    if (!sites.empty() && demand->unit() != sites.front().demand.unit()) {
      return fmt::format("{} counts '{}', and {} '{}': that can't be compared", name, demand->unit(),
                         sites.front().name, sites.front().demand.unit());
    }
    sites.push_back({.name = name, .demand = std::move(*demand), .capacity = {}, .is_withdrawn = false});
  }
  return {};
}

std::string apply(const Arguments& arguments, Sites& sites) {
  for (const auto& name : arguments.without) {
    auto* const site = find_site(sites, name);
    if (site == nullptr) return unknown_site(sites, name);
    site->is_withdrawn = true;
  }
  if (std::all_of(sites.begin(), sites.end(), [](const plan::SiteDemand& site) { return site.is_withdrawn; }))
    return "no site is left; name the demand files of the others";
  for (const auto& text : arguments.capacities) {
    const auto equals = std::min(text.find('='), text.size());
    double capacity = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, error] =
        std::from_chars(text.data() + std::min(equals + 1, text.size()), end, capacity);
    if (error != std::errc{} || stop != end || !std::isfinite(capacity) || capacity < 0)
      return fmt::format("'{}' is no capacity; write NAME=QUERIES", text);
    auto* const site = find_site(sites, text.substr(0, equals));
    if (site == nullptr) return unknown_site(sites, text.substr(0, equals));
    site->capacity = capacity;
  }
  return {};
}

/// The database of this name; the first one when none is named.
const compile::NamedFiles* find_database(const compile::Geography& geography, const std::string& name) {
  const auto at =
      std::find_if(geography.databases.begin(), geography.databases.end(),
                   [&](const compile::NamedFiles& files) { return name.empty() || files.name == name; });
  return at == geography.databases.end() ? nullptr : &*at;
}

int fail(const std::string& message) {
  complain(message);
  return kUnusable;
}

int run_forecast(const Options& options, const Arguments& arguments) {
  Sites sites;
  if (const auto problem = read_files(arguments, sites); !problem.empty()) return fail(problem);
  if (const auto problem = apply(arguments, sites); !problem.empty()) return fail(problem);
  compile::Sources sources;
  if (options.site.empty() && options.geoip.empty()) {
    sources.data_folder = base::find_data_folder(options.data);
  } else {
    auto found = find_sources(options);
    if (!found) {
      std::fputs(found.error().to_text().c_str(), stderr);
      return kUnusable;
    }
    sources = std::move(*found);
  }
  const auto geography = compile::load_geography(sources.geoip, sources.data_folder);
  if (!geography) {
    std::fputs(geography.error().to_text().c_str(), stderr);
    return kUnusable;
  }
  const auto* const files = find_database(*geography, arguments.database);
  if (files == nullptr) return fail(fmt::format("no database is called '{}'", arguments.database));
  const geo::GeoDatabase database(files->files, *geography->places);
  const auto forecast = plan::forecast(sites, database, *geography->places);
  const auto& unit = sites.front().demand.unit();
  std::fputs((arguments.json ? plan::to_json(forecast, unit) : plan::to_text(forecast, unit)).c_str(),
             stdout);
  const bool is_too_little =
      std::any_of(forecast.sites.begin(), forecast.sites.end(), [](const plan::SiteForecast& site) {
        return site.verdict() == plan::SiteForecast::Verdict::TooLittle;
      });
  return is_too_little ? kProblems : kOk;
}

}  // namespace

void add_anycast_forecast(CLI::App& anycast, Options& options) {
  auto* command = anycast.add_subcommand(
      "forecast", "Who would land where if a site withdrew, from the demand of each site");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--without", arguments->without, "A site that withdraws; may be given again")
      ->required()
      ->allow_extra_args(false)
      ->take_all();
  command
      ->add_option("demand", arguments->files,
                   "Demand files (meridianctl demand), one a site: ams1.txt, or NAME=FILE")
      ->required();
  command
      ->add_option("--capacity", arguments->capacities, "NAME=QUERIES that a site can answer, in their unit")
      ->allow_extra_args(false)
      ->take_all();
  command->add_option("--site", options.site, "Site file whose GeoIP databases tell where networks are");
  command->add_option("--geoip", options.geoip, "GeoIP files, instead of the site file's or the shipped one")
      ->allow_extra_args(false)
      ->take_all();
  command->add_option("--database", arguments->database, "Which of the site file's databases; the first");
  command->add_option("--data", options.data, "Folder of the shipped country.mmdb and places.json");
  command->add_flag("--json", arguments->json, "One JSON object, nothing cut");
  command->callback([&options, arguments] { options.exit_code = run_forecast(options, *arguments); });
}

}  // namespace meridian::meridianctl

#include "meridianctl/command.hpp"

#include "plan/expectations.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

namespace meridian::meridianctl {
namespace {

int check(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto sources = find_sources(options, config::SecretFiles::Read);
  if (!sources) {
    std::fputs(sources.error().to_text().c_str(), stderr);
    return kProblems;
  }
  const auto compiled = compile::load_and_compile(*sources, 1, std::chrono::system_clock::now());
  const auto& problems = compiled ? compiled->warnings : compiled.error();
  std::fputs(problems.to_text().c_str(), stderr);
  if (!compiled) {
    fmt::print(stderr, "{}: {}, {}; a server would keep the map it has\n", sources->map_folder,
               counted(problems.error_count(), "error"), counted(problems.warning_count(), "warning"));
    return kProblems;
  }
  const auto& snapshot = *compiled->snapshot;
  const auto broken = plan::prove_expectations(snapshot, *compiled->rulebook);
  std::fputs(broken.to_text().c_str(), stderr);
  if (broken.has_errors()) {
    fmt::print(stderr, "{}: {} broken; a server would keep the map it has\n", sources->map_folder,
               counted(broken.error_count(), "expectation"));
    return kProblems;
  }
  fmt::print("{}: good · {}, {}, {}", sources->map_folder, counted(snapshot.zones.size(), "zone"),
             counted(snapshot.services.size(), "service"),
             counted(snapshot.datacenters.size(), "datacenter"));
  for (const auto& map : snapshot.maps) {
    fmt::print(" · map {}: {} IPv4 and {} IPv6 leaves", map.name, map.v4.leaf_count(), map.v6.leaf_count());
  }
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  if (!compiled->rulebook->expectations.empty())
    fmt::print(" · {} proven", counted(compiled->rulebook->expectations.size(), "expectation"));
  const auto warnings = problems.warning_count() + broken.warning_count();
  fmt::print(" · {} · {} ms\n", counted(warnings, "warning"), took.count());
  return kOk;
}

}  // namespace

void add_check(CLI::App& app, Options& options) {
  auto* command =
      app.add_subcommand("check", "Read and compile a map without serving it; tell everything wrong in it");
  command->add_option("map", options.map, "Map directory (or use --site)");
  add_source_options(*command, options);
  command->callback([&options] { options.exit_code = check(options); });
}

}  // namespace meridian::meridianctl

#include "meridianctl/command.hpp"
#include "meridianctl/draw.hpp"

#include "picture/change_picture.hpp"
#include "picture/sites.hpp"
#include "plan/compare.hpp"
#include "plan/demand.hpp"
#include "plan/gates.hpp"
#include "plan/render.hpp"
#include "plan/shape.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>

namespace meridian::meridianctl {
namespace {

/// Exit codes of plan alone: a script must tell "nothing changes" from "something does".
constexpr int kUnchanged = 0;
constexpr int kFailed = 1;
constexpr int kChanged = 2;
constexpr int kGateFailed = 3;

struct Arguments {
  std::string old_map;
  std::string new_map;
  std::vector<std::string> new_geoip;
  std::string demand;
  std::vector<std::string> assume;
  std::vector<std::string> assume_old;
  std::vector<std::string> gates;
  std::string svg;
  bool json = false;
};

int fail(const std::string& message) {
  complain(message);
  return kFailed;
}

int fail(const base::Diagnostics& problems) {
  std::fputs(problems.to_text().c_str(), stderr);
  return kFailed;
}

/// What the words of the command line mean, read before anything slow is begun.
struct Request {
  std::vector<plan::Gate> gates;
  std::vector<plan::Assumption> assume;
  std::vector<plan::Assumption> assume_old;
};

base::Expected<Request, std::string> parse_request(const Arguments& arguments) {
  Request request;
  if (arguments.new_map.empty() && arguments.new_geoip.empty() && arguments.assume.empty() &&
      arguments.assume_old.empty()) {
    return base::unexpected(std::string{
        "nothing to compare with; give a second map, or --new-geoip FILE, or --assume 'NAME down'"});
  }
  for (const auto& text : arguments.gates) {
    const auto gate = plan::parse_gate(text);
    if (!gate) return base::unexpected(gate.error());
    if (plan::needs_demand(*gate) && arguments.demand.empty())
      return base::unexpected(fmt::format("the gate {} needs --demand FILE", text));
    request.gates.push_back(*gate);
  }
  auto assume = plan::parse_assumptions(arguments.assume);
  if (!assume) return base::unexpected(assume.error());
  request.assume = std::move(*assume);
  auto assume_old = plan::parse_assumptions(arguments.assume_old);
  if (!assume_old) return base::unexpected(assume_old.error());
  request.assume_old = std::move(*assume_old);
  return request;
}

struct Maps {
  compile::Sources sources;
  compile::Compiled old;
  compile::Compiled now;
};

/// Compiles both maps; databases that both read are loaded once.
base::Expected<Maps, base::Diagnostics> compile_both(const Options& options, const Arguments& arguments) {
  Options source = options;
  source.map = arguments.old_map;
  const auto sources = find_sources(source);
  if (!sources) return base::unexpected(sources.error());
  const auto geography = compile::load_geography(sources->geoip, sources->data_folder);
  if (!geography) return base::unexpected(geography.error());
  auto new_geography = geography;
  if (!arguments.new_geoip.empty()) {
    new_geography = compile::load_geography({{"default", arguments.new_geoip, {}}}, sources->data_folder);
    if (!new_geography) return base::unexpected(new_geography.error());
  }
  const auto now = std::chrono::system_clock::now();
  auto old = compile::compile(config::load_map_directory(arguments.old_map), *geography, 0, now);
  if (!old) return base::unexpected(std::move(old.error()));
  const auto& new_map = arguments.new_map.empty() ? arguments.old_map : arguments.new_map;
  if (new_map == arguments.old_map && arguments.new_geoip.empty()) return Maps{*sources, *old, *old};
  auto compiled = compile::compile(config::load_map_directory(new_map), *new_geography, 0, now);
  if (!compiled) return base::unexpected(std::move(compiled.error()));
  return Maps{*sources, std::move(*old), std::move(*compiled)};
}

base::Expected<void, base::Diagnostics> draw_change(const std::string& path,
                                                    const plan::Comparison& comparison, const Maps& maps) {
  picture::Sites sites(maps.now.rulebook->model->datacenters);
  sites.add(maps.old.rulebook->model->datacenters);
  return draw(path, picture::picture_of(comparison, sites), maps.sources,
              *maps.now.rulebook->geography.places);
}

int run_plan(const Options& options, const Arguments& arguments) {
  const auto request = parse_request(arguments);
  if (!request) return fail(request.error());
  std::optional<plan::Demand> demand;
  if (!arguments.demand.empty()) {
    auto loaded = plan::load_demand(arguments.demand);
    if (!loaded) return fail(loaded.error());
    demand = std::move(*loaded);
  }
  const auto maps = compile_both(options, arguments);
  if (!maps) return fail(maps.error());
  plan::Options plan_options;
  if (demand) plan_options.demand = &*demand;
  auto old_states = plan::assumed_states(*maps->old.snapshot, request->assume_old);
  if (!old_states) return fail("--assume-old: " + old_states.error());
  auto new_states = plan::assumed_states(*maps->now.snapshot, request->assume);
  if (!new_states) return fail("--assume: " + new_states.error());
  plan_options.old_states = std::move(*old_states);
  plan_options.new_states = std::move(*new_states);
  plan_options.by_country = !arguments.svg.empty();
  const auto comparison = plan::compare(maps->old, maps->now, plan_options);
  if (!arguments.svg.empty()) {
    const auto drawn = draw_change(arguments.svg, comparison, *maps);
    if (!drawn) return fail(drawn.error());
  }
  const auto failed = plan::failed_gates(request->gates, comparison);
  const auto text =
      arguments.json ? plan::to_json(comparison, failed) + "\n" : plan::to_text(comparison, failed);
  std::fputs(text.c_str(), stdout);
  if (!failed.empty()) return kGateFailed;
  return comparison.has_changes() ? kChanged : kUnchanged;
}

}  // namespace

void add_plan(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand(
      "plan", "Tell what a change of the map, of the GeoIP files or of health moves, before it moves");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("old", arguments->old_map, "Map directory as it is")->required();
  command->add_option("new", arguments->new_map, "Map directory as it would be (the same, unless given)");
  command->add_option("--new-geoip", arguments->new_geoip, "GeoIP files of the map as it would be")
      ->expected(1, 16);
  command->add_option("--demand", arguments->demand, "File of client networks and their queries");
  command
      ->add_option("--assume", arguments->assume,
                   "State of a datacenter in the map as it would be: 'ams down', 'ams 50%', 'ams drained', "
                   "'ams shed 30%'")
      ->expected(1)
      ->take_all();
  command->add_option("--assume-old", arguments->assume_old, "The same in the map as it is")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--gate", arguments->gates,
                   "Exit with 3 unless it holds: max_moved=5%, max_moved_demand=5%, capacity, expectations")
      ->expected(1)
      ->take_all();
  command->add_option("--svg", arguments->svg, "Draw what moves into this file, too");
  command->add_flag("--json", arguments->json, "One JSON object on one line");
  command->add_option("--site", options.site, "Site file (meridian.yaml) that names the databases");
  command->add_option("--geoip", options.geoip, "GeoIP files, instead of the site file's or the shipped one")
      ->expected(1, 16);
  command->add_option("--data", options.data, "Folder of the shipped country.mmdb and places.json");
  command->footer("Exit codes: 0 nothing changes, 2 something does, 3 a gate failed, 1 it could not be told");
  command->callback([&options, arguments] { options.exit_code = run_plan(options, *arguments); });
}

}  // namespace meridian::meridianctl

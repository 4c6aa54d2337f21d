#include "meridianctl/command.hpp"
#include "meridianctl/draw.hpp"

#include "picture/sites.hpp"
#include "picture/survey_picture.hpp"
#include "plan/demand.hpp"
#include "plan/shape.hpp"
#include "plan/survey.hpp"
#include "plan/survey_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

namespace meridian::meridianctl {
namespace {

struct Arguments {
  std::string name;
  std::string of;
  std::vector<std::string> assume;
  std::string demand;
  std::string svg;
  bool json = false;
};

int fail(const std::string& message, int exit_code) {
  complain(message);
  return exit_code;
}

int fail(const base::Diagnostics& problems) {
  std::fputs(problems.to_text().c_str(), stderr);
  return kProblems;
}

void print(const std::vector<plan::Survey>& surveys, bool json) {
  if (json) return void(fmt::print("{}\n", plan::to_json(surveys)));
  for (const auto& survey : surveys) std::fputs(plan::to_text(survey).c_str(), stdout);
}

int show(const Options& options, const Arguments& arguments) {
  const auto assumptions = plan::parse_assumptions(arguments.assume);
  if (!assumptions) return fail(assumptions.error(), kUnusable);
  std::optional<plan::Demand> demand;
  if (!arguments.demand.empty()) {
    auto loaded = plan::load_demand(arguments.demand);
    if (!loaded) return fail(loaded.error());
    demand = std::move(*loaded);
  }
  const auto sources = find_sources(options);
  if (!sources) return fail(sources.error());
  const auto compiled = compile::load_and_compile(*sources, 0, std::chrono::system_clock::now());
  if (!compiled) return fail(compiled.error());
  const auto subjects = plan::find_subjects(*compiled->snapshot, arguments.of, arguments.name);
  if (!subjects) return fail(subjects.error(), kUnusable);
  if (!arguments.svg.empty() && subjects->size() != 1)
    return fail("--svg draws one map; choose it with --of or --name", kUnusable);
  const auto states = plan::assumed_states(*compiled->snapshot, *assumptions);
  if (!states) return fail("--assume: " + states.error(), kUnusable);
  std::vector<plan::Survey> surveys;
  for (const auto& subject : *subjects)
    surveys.push_back(plan::survey(*compiled, subject, *states, demand ? &*demand : nullptr));
  if (!arguments.svg.empty()) {
    const picture::Sites sites(compiled->rulebook->model->datacenters);
    const auto drawn = draw(arguments.svg, picture::picture_of(surveys.front(), sites), *sources,
                            *compiled->rulebook->geography.places);
    if (!drawn) return fail(drawn.error());
  }
  print(surveys, arguments.json);
  return kOk;
}

}  // namespace

void add_map(CLI::App& app, Options& options) {
  auto* map = app.add_subcommand("map", "Look at a map: which places go to which datacenters");
  map->require_subcommand(1);
  auto* command =
      map->add_subcommand("show", "Tell which places go to which datacenters, as tables or a picture");
  const auto arguments = std::make_shared<Arguments>();
  add_source_options(*command, options);
  command->add_option("--name", arguments->name, "A service: its map with its own pools");
  command->add_option("--of", arguments->of, "A map (all of them, unless given)");
  command
      ->add_option("--assume", arguments->assume,
                   "State of a datacenter: 'ams down', 'ams 50%', 'ams drained', 'ams shed 30%'")
      ->expected(1)
      ->take_all();
  command->add_option("--demand", arguments->demand, "File of client networks and their queries");
  command->add_option("--svg", arguments->svg, "Draw it into this file, too");
  command->add_flag("--json", arguments->json, "One JSON object on one line");
  command->callback([&options, arguments] { options.exit_code = show(options, *arguments); });
}

}  // namespace meridian::meridianctl

// `meridianctl anycast config`: the configuration of ExaBGP and of the routers, made from the site file.
#include "bgp/router_config/bird_config.hpp"
#include "bgp/router_config/exabgp_config.hpp"
#include "bgp/router_config/frr_config.hpp"
#include "config/load.hpp"
#include "meridianctl/anycast.hpp"
#include "meridianctl/out_file.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace meridian::meridianctl {
namespace {

struct Arguments {
  std::string program;  ///< exabgp, bird or frr
  std::string side = "router";
  std::string neighbor;
  std::string out;
  bgp::BridgePaths bridge;
};

/// The problems as they are; nullopt after they were printed.
std::optional<bgp::Settings> load_settings(const Options& options, const Arguments& arguments) {
  const auto fail = [](const base::Diagnostics& problems) {
    std::fputs(problems.to_text().c_str(), stderr);
    return std::nullopt;
  };
  const auto loaded =
      config::load_site_file(options.site.empty() ? kDefaultSite : options.site, config::SecretFiles::Skip);
  if (loaded.diagnostics.has_errors()) return fail(loaded.diagnostics);
  if (!loaded.site.anycast) {
    complain(fmt::format("{} has no `anycast`", loaded.site.path));
    return std::nullopt;
  }
  const auto passwords = bgp::read_passwords(*loaded.site.anycast);
  if (!passwords) return fail(passwords.error());
  auto settings = bgp::make_settings(loaded.site, *passwords, arguments.bridge);
  if (!settings) return fail(settings.error());
  return std::move(*settings);
}

/// One part for each neighbour that is meant; the error is a line for the operator.
base::Expected<std::string, std::string> router_text(const bgp::Settings& settings,
                                                     const Arguments& arguments) {
  std::string text;
  std::vector<std::string> names;
  for (const auto& session : settings.sessions) {
    names.push_back(session.name);
    if (!arguments.neighbor.empty() && session.name != arguments.neighbor) continue;
    text += (text.empty() ? "" : "\n") + (arguments.program == "bird"
                                              ? bgp::bird_router_config(settings, session)
                                              : bgp::frr_router_config(settings, session));
  }
  if (text.empty()) {
    return base::unexpected(fmt::format("no neighbour is called '{}'{}", arguments.neighbor,
                                        base::suggestion(arguments.neighbor, names)));
  }
  return text;
}

base::Expected<std::string, std::string> make_text(const bgp::Settings& settings,
                                                   const Arguments& arguments) {
  if (arguments.program == "exabgp") return bgp::exabgp_config(settings);
  if (arguments.side == "router") return router_text(settings, arguments);
  if (!settings.has_local_router)
    return base::unexpected(
        "the site has no router of its own: `local_router: true` in the site file says that it has");
  return arguments.program == "bird" ? bgp::bird_site_config(settings) : bgp::frr_site_config(settings);
}

int run_config(const Options& options, const Arguments& arguments) {
  const auto settings = load_settings(options, arguments);
  if (!settings) return kProblems;
  const auto text = make_text(*settings, arguments);
  if (!text) {
    complain(text.error());
    return kProblems;
  }
  if (arguments.out.empty()) {
    std::fputs(text->c_str(), stdout);
    return kOk;
  }
  auto file = OutFile::open(arguments.out);
  const auto kept = file ? file->keep(*text) : base::unexpected(file.error());
  if (kept) return kOk;
  complain(kept.error());
  return kProblems;
}

void add_program(CLI::App& config, Options& options, const std::string& program, const std::string& help) {
  auto* command = config.add_subcommand(program, help);
  const auto arguments = std::make_shared<Arguments>();
  arguments->program = program;
  command->add_option("--site", options.site, "Site file (meridian.yaml)");
  command->add_option("--out", arguments->out,
                      "File to write, whole or not at all, instead of printing; not readable by everyone");
  if (program == "exabgp") {
    command->add_option("--bridge", arguments->bridge.program, "The program that ExaBGP is to run")
        ->capture_default_str();
    command->add_option("--state", arguments->bridge.state, "Where that keeps what it said")
        ->capture_default_str();
  } else {
    command
        ->add_option("--for", arguments->side, "router: the neighbours' end; site: the router on this host")
        ->check(CLI::IsMember({"router", "site"}))
        ->capture_default_str();
    command->add_option("--neighbor", arguments->neighbor, "The part for this neighbour alone");
  }
  command->callback([&options, arguments] { options.exit_code = run_config(options, *arguments); });
}

}  // namespace

void add_anycast_config(CLI::App& anycast, Options& options) {
  auto* command =
      anycast.add_subcommand("config", "Configuration of ExaBGP and of routers, made from the site file");
  command->require_subcommand(1);
  add_program(*command, options, "exabgp", "exabgp.conf of this site");
  add_program(*command, options, "bird", "For BIRD 2, at a neighbour or on this host");
  add_program(*command, options, "frr", "For FRR 8, at a neighbour or on this host");
}

}  // namespace meridian::meridianctl

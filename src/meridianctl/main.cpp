// meridianctl: the operator's tool. One file a sub-command; this one only wires them.
#include "meridianctl/command.hpp"

#include <algorithm>
#include <exception>
#include <string>
#include <vector>

namespace {

/// CLI11 only says that some command is required; the word that is none deserves to be named.
int missing_command(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const auto commands_of = [](const CLI::App& parent) {
    return parent.get_subcommands([](const CLI::App*) { return true; });
  };
  const CLI::App* parent = &app;
  std::vector<std::string> names;
  std::string word;
  for (int i = 1; i < argc; ++i) {
    const auto commands = commands_of(*parent);
    names.clear();
    for (const auto* command : commands) names.push_back(command->get_name());
    word = argv[i];
    const auto known = std::find(names.begin(), names.end(), word);
    if (known == names.end()) break;
    parent = commands[static_cast<std::size_t>(known - names.begin())];
    word.clear();
  }
  if (word.empty() || word.front() == '-' || names.empty()) return app.exit(error);
  const auto hint = meridian::base::suggestion(word, names);
  meridian::meridianctl::complain("no command is called '" + word + "'" +
                                  (hint.empty() ? "; --help lists them" : hint));
  return meridian::meridianctl::kUnusable;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace meridian::meridianctl;
  CLI::App app{"Meridian's operator tool: check and explain a map, and talk to a running meridiand."};
  app.require_subcommand(1);
  app.fallthrough();
  Options options;
  app.add_option("--control", options.control, "Control socket of the running server")
      ->envname("MERIDIAN_CONTROL")
      ->capture_default_str();
  add_check(app, options);
  add_explain(app, options);
  add_map(app, options);
  add_plan(app, options);
  add_demand(app, options);
  add_import(app, options);
  add_status(app, options);
  add_health(app, options);
  add_reload(app, options);
  add_epochs(app, options);
  add_rollback(app, options);
  add_geoip(app, options);
  add_drain(app, options);
  add_undrain(app, options);
  add_shed(app, options);
  add_force(app, options);
  add_overrides(app, options);
  add_history(app, options);
  add_audit(app, options);
  add_report(app, options);
  add_upgrade(app, options);
  add_anycast(app, options);
  add_schema(app, options);
  add_completion(app, options);
  add_cookie_secret(app, options);
  add_version(app, options);
  // Libraries may throw (files, memory); an operator gets a line, not a core dump.
  try {
    app.parse(argc, argv);
  } catch (const CLI::RequiredError& error) {
    const int unusable = app.got_subcommand("plan") ? kProblems : kUnusable;
    return missing_command(app, error, argc, argv) == 0 ? kOk : unusable;
  } catch (const CLI::ParseError& error) {
    // plan has a meaning of its own for 2: a script must not take bad usage for a change.
    const int unusable = app.got_subcommand("plan") ? kProblems : kUnusable;
    return app.exit(error) == 0 ? kOk : unusable;
  } catch (const std::exception& error) {
    complain(error.what());
    return kUnusable;
  }
  return options.exit_code;
}

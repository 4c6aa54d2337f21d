// Commands that need neither map nor server: version, schema, completion, cookie-secret.
#include "meridianctl/command.hpp"

#include "base/secret_bytes.hpp"
#include "config/cookie_secrets.hpp"
#include "config/schema.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

namespace meridian::meridianctl {
namespace {

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// What may follow a command: its options, and its own commands with theirs.
std::vector<std::string> words_after(const CLI::App& command) {
  auto words = option_names(command);
  for (const auto* inner : command.get_subcommands([](const CLI::App*) { return true; })) {
    words.push_back(inner->get_name());
    for (auto& name : option_names(*inner)) words.push_back(std::move(name));
  }
  return words;
}

/// A bash completion script read off the commands as they are registered, so that it cannot lag behind them.
std::string bash_completion(const CLI::App& app) {
  std::vector<std::string> commands;
  std::string cases;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(command->get_name());
    cases += fmt::format("    {}) words=\"{} {}\" ;;\n", command->get_name(),
                         fmt::join(words_after(*command), " "), fmt::join(option_names(app), " "));
  }
  return fmt::format(
      "# bash completion for meridianctl; made by `meridianctl completion bash`\n"
      "_meridianctl() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} word command= "
      "words=\n"
      "  case $previous in\n"
      "    --site|--map|--geoip|--new-geoip|--demand|--out|--data|--svg|--control) COMPREPLY=($(compgen -f "
      "-- "
      "\"$current\")); return ;;\n"
      "  esac\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    case \" {0} \" in *\" $word \"*) command=$word; break ;; esac\n"
      "  done\n"
      "  case $command in\n"
      "    '') words=\"{0} {1}\" ;;\n"
      "{2}"
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  [[ $command = check || $command = plan ]] && [ \"${{current#-}}\" = \"$current\" ] && "
      "COMPREPLY=($(compgen -d -- "
      "\"$current\"))\n"
      "  return 0\n"
      "}}\n"
      "complete -F _meridianctl meridianctl\n",
      fmt::join(commands, " "), fmt::join(option_names(app), " "), cases);
}

}  // namespace

void add_completion(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("completion", "Print a completion script for a shell");
  const auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash")->required()->check(CLI::IsMember({"bash"}));
  command->callback([&app, &options, shell] {
    fmt::print("{}", bash_completion(app));
    options.exit_code = kOk;
  });
}

void add_cookie_secret(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("cookie-secret", "Print a new random secret for DNS cookies");
  command->footer(
      "32 hexadecimal digits for 'cookies: secrets:' of the site file, or for a file that it names:\n"
      "  (umask 027; meridianctl cookie-secret > /etc/meridian/cookie.secret)");
  command->callback([&options] {
    dns::CookieSecret secret{};
    base::fill_secret(secret);
    fmt::print("{}\n", config::to_hex(secret));
    options.exit_code = kOk;
  });
}

void add_schema(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("schema", "Print the JSON Schema of a configuration file, for editors");
  const auto kind = std::make_shared<std::string>();
  command->add_option("file", *kind, "datacenters, regions, maps, services, expect or meridian")->required();
  const auto as_reference = std::make_shared<bool>(false);
  command->add_flag("--reference", *as_reference, "Print its keys as tables instead (Markdown)");
  command->callback([&options, kind, as_reference] {
    const auto file = config::find_file_kind(*kind);
    if (!file) {
      complain(fmt::format(
          "'{}' is no configuration file; there are datacenters, regions, maps, services, expect, meridian",
          *kind));
      options.exit_code = kUnusable;
      return;
    }
    fmt::print("{}", *as_reference ? config::reference_markdown(*file) : config::json_schema(*file));
  });
}

void add_version(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("version", "Print the version");
  command->callback([&options] {
    fmt::print("meridianctl {}\n", MERIDIAN_VERSION);
    options.exit_code = kOk;
  });
}

}  // namespace meridian::meridianctl

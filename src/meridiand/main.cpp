// meridiand: reads its command line and its site file, and runs the server.
#include "config/load.hpp"
#include "meridiand/daemon.hpp"
#include "meridiand/options.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::meridiand {
namespace {

/// Exit codes: 0 stopped cleanly, 2 could not start.
constexpr int kCannotStart = 2;

constexpr const char* kTakeoverOption = "--takeover-fd";

int fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return kCannotStart;
}

/// The path of this program as it was called: a link in it may lead elsewhere by the next upgrade.
std::string program_path(const char* called) {
  namespace fs = std::filesystem;
  if (std::string_view(called).find('/') != std::string_view::npos) return fs::absolute(called).string();
  return fs::read_symlink("/proc/self/exe").string();
}

std::vector<std::string> command_of(int argc, char** argv) {
  std::vector<std::string> command{program_path(argv[0])};
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == kTakeoverOption) {
      ++i;
    } else {
      command.emplace_back(argv[i]);
    }
  }
  return command;
}

/// Serves until a signal or an upgrade ends it; the error is what the operator should read.
base::Expected<void, std::string> serve(const Options& options, Daemon& daemon) {
  auto loaded = config::load_site_file(options.site);
  const auto problems = loaded.diagnostics.to_text();
  if (loaded.diagnostics.has_errors()) {
    return base::unexpected(fmt::format("{}meridiand: the site file {} has errors", problems, options.site));
  }
  std::fputs(problems.c_str(), stderr);
  if (auto started = daemon.start(std::move(loaded.site)); !started) return started;
  daemon.run();
  return {};
}

int run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a client that went away is an error code, not the end
  CLI::App app{"Meridian's name server: answers each query with the best datacenter for that client."};
  app.set_version_flag("--version", fmt::format("meridiand {}", MERIDIAN_VERSION));
  Options options;
  app.add_option("--site", options.site, "Site file")->capture_default_str();
  app.add_option("--control", options.control, "Control socket, instead of the site file's");
  app.add_option("--data", options.data, "Folder of the shipped country.mmdb and places.json");
  // For upgrades only: our own older self names it.
  app.add_option(kTakeoverOption, options.takeover_descriptor)->group("");
  options.command = command_of(argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kCannotStart;
  }
  Daemon daemon(options);
  const auto served = serve(options, daemon);
  if (served) return 0;
  daemon.tell_old_server(served.error());
  return fail(served.error());
}

}  // namespace
}  // namespace meridian::meridiand

int main(int argc, char** argv) {
  // The one place where what a library throws at start-up ends.
  try {
    return meridian::meridiand::run(argc, argv);
  } catch (const std::exception& error) {
    return meridian::meridiand::fail(std::string{"meridiand: "} + error.what());
  }
}

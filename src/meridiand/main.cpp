// meridiand: reads its command line and its site file, and runs the server.
#include "config/load.hpp"
#include "meridiand/daemon.hpp"
#include "meridiand/options.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

namespace meridian::meridiand {
namespace {

/// Exit codes: 0 stopped cleanly, 2 could not start.
constexpr int kCannotStart = 2;

int fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return kCannotStart;
}

int run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a client that went away is an error code, not the end
  CLI::App app{"Meridian's name server: answers each query with the best datacenter for that client."};
  app.set_version_flag("--version", fmt::format("meridiand {}", MERIDIAN_VERSION));
  Options options;
  app.add_option("--site", options.site, "Site file")->capture_default_str();
  app.add_option("--control", options.control, "Control socket, instead of the site file's");
  app.add_option("--data", options.data, "Folder of the shipped country.mmdb and places.yaml");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kCannotStart;
  }
  auto loaded = config::load_site_file(options.site);
  std::fputs(loaded.diagnostics.to_text().c_str(), stderr);
  if (loaded.diagnostics.has_errors()) {
    return fail(fmt::format("meridiand: the site file {} has errors", options.site));
  }
  Daemon daemon(std::move(loaded.site), options);
  if (const auto started = daemon.start(); !started) return fail(started.error());
  daemon.run();
  return 0;
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

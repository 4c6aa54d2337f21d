// meridian-agent: reads its command line and the site file, and runs the agent until a signal ends it.
#include "base/log.hpp"
#include "bgp/agent/agent.hpp"
#include "bgp/agent/agent_control.hpp"
#include "config/load.hpp"
#include "net/service_manager.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace meridian::agent {
namespace {

/// Exit codes: 0 ended by a signal, 2 could not start.
constexpr int kCannotStart = 2;
/// systemd is told this often that we live; its watchdog waits for several of these.
constexpr std::chrono::seconds kNoticePeriod{1};

struct Options {
  std::string site = "/etc/meridian/meridian.yaml";
};

int fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return kCannotStart;
}

/// The site file, or what is wrong with it, a line each.
base::Expected<config::Site, std::string> load_site(const std::string& path) {
  // The secrets are the server's; the agent runs as another user.
  auto loaded = config::load_site_file(path, config::SecretFiles::Skip);
  auto problems = loaded.diagnostics.to_text();
  if (loaded.diagnostics.has_errors()) return base::unexpected(std::move(problems));
  if (loaded.site.anycast) return std::move(loaded.site);
  return base::unexpected(
      fmt::format("{}: has no 'anycast', so there is nothing to announce; docs/anycast.md tells what it "
                  "holds\n",
                  path));
}

bool is_same_place(const std::optional<config::ListenAddress>& one,
                   const std::optional<config::ListenAddress>& other) {
  if (!one || !other) return one.has_value() == other.has_value();
  return one->address == other->address && one->port == other->port;
}

/// "2 of 3 announced, 1 withdrawn"
std::string in_words(const AgentStatus& status) {
  std::size_t announced = 0;
  std::size_t de_preferred = 0;
  for (const auto& vip : status.vips) {
    if (vip.decision.level == policy::Level::Announce) ++announced;
    if (vip.decision.level == policy::Level::DePreference) ++de_preferred;
  }
  return fmt::format("of {} VIPs {} announced, {} de-preferred, {} withdrawn", status.vips.size(), announced,
                     de_preferred, status.vips.size() - announced - de_preferred);
}

class Program {
 public:
  Program(Options options, config::Site site)
      : options_(std::move(options)),
        site_(std::move(site)),
        agent_(context_, clock_, site_.site, *site_.anycast),
        control_(agent_, context_, clock_, MERIDIAN_VERSION, *site_.anycast),
        ending_(context_, SIGTERM, SIGINT),
        reloading_(context_, SIGHUP),
        notice_(context_) {}

  base::Expected<void, std::string> start() {
    await_end();
    await_reload();
    control_.load();
    if (auto started = agent_.start(); !started) return started;
    if (auto started = control_.start(); !started) return started;
    base::log_event(
        base::LogLevel::Info, "ready",
        {{"site", site_.site}, {"vips", site_.anycast->vips.size()}, {"version", MERIDIAN_VERSION}});
    net::notify_service_manager("READY=1");
    give_notice();
    return {};
  }

  void run() {
    context_.run();
    control_.stop();
  }

 private:
  /// Just ends: what is announced stays for the bridge's 3 s, in which another agent may go on with it.
  void await_end() {
    ending_.async_wait([this](boost::system::error_code ended, int signal) {
      if (ended) return;
      base::log_event(base::LogLevel::Info, "stopping", {{"signal", signal}});
      net::notify_service_manager("STOPPING=1");
      context_.stop();
    });
  }

  void await_reload() {
    reloading_.async_wait([this](boost::system::error_code ended, int) {
      if (ended) return;
      await_reload();
      reload();
    });
  }

  void reload() {
    auto site = load_site(options_.site);
    control_.note_reload(site ? &*site->anycast : nullptr);
    if (!site) return base::log_event(base::LogLevel::Error, "site_refused", {{"why", site.error()}});
    const auto& now = site_.anycast->agent;
    const auto& wanted = site->anycast->agent;
    const bool is_same = site->site == site_.site && wanted.bridge == now.bridge &&
                         wanted.liveness == now.liveness && wanted.state == now.state &&
                         wanted.control == now.control && is_same_place(wanted.http, now.http);
    if (!is_same) {
      base::log_event(base::LogLevel::Warning, "restart_needed",
                      {{"for", "site, and all of agent, are those of the start"}});
    }
    agent_.reconfigure(*site->anycast);
    base::log_event(base::LogLevel::Info, "site_loaded", {{"vips", site->anycast->vips.size()}});
  }

  void give_notice() {
    notice_.expires_after(kNoticePeriod);
    notice_.async_wait([this](boost::system::error_code ended) {
      if (!ended) give_notice();
    });
    net::notify_service_manager(fmt::format("WATCHDOG=1\nSTATUS={}", in_words(agent_.status())));
  }

  const Options options_;
  const config::Site site_;
  const base::SystemClock clock_;
  boost::asio::io_context context_{1};  // one thread
  Agent agent_;
  AgentControl control_;
  boost::asio::signal_set ending_;
  boost::asio::signal_set reloading_;
  boost::asio::steady_timer notice_;
};

int run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app{"Decides what this site announces of its anycast addresses, and tells meridian-bgp."};
  app.set_version_flag("--version", fmt::format("meridian-agent {}", MERIDIAN_VERSION));
  Options options;
  app.add_option("--site", options.site, "Site file, the one of meridiand")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kCannotStart;
  }
  auto site = load_site(options.site);
  if (!site)
    return fail(fmt::format("{}meridian-agent: cannot use the site file {}", site.error(), options.site));
  Program program(std::move(options), std::move(*site));
  if (const auto started = program.start(); !started) return fail("meridian-agent: " + started.error());
  program.run();
  return 0;
}

}  // namespace
}  // namespace meridian::agent

int main(int argc, char** argv) {
  // The one place where what a library throws at start-up ends.
  try {
    return meridian::agent::run(argc, argv);
  } catch (const std::exception& error) {
    return meridian::agent::fail(std::string{"meridian-agent: "} + error.what());
  }
}

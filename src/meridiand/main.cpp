// meridiand: wiring only. Reads the site file, builds the first epoch, binds, serves, and stops on a signal.
//
// Threads: UDP workers and TCP in net/, the builder in control/, and this one for signals and the control
// socket.
#include "base/clock.hpp"
#include "base/data_folder.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "config/load.hpp"
#include "control/api.hpp"
#include "control/http_server.hpp"
#include "control/reloader.hpp"
#include "meridiand/query_handler.hpp"
#include "net/server.hpp"
#include "querylog/recorder.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <thread>

namespace meridian::meridiand {
namespace {

/// Exit codes: 0 stopped cleanly, 2 could not start.
constexpr int kCannotStart = 2;

struct Options {
  std::string site = "/etc/meridian/meridian.yaml";
  std::string control;
  std::string data;
};

int fail(const std::string& message) {
  std::fprintf(stderr, "meridiand: %s\n", message.c_str());
  return kCannotStart;
}

std::size_t worker_count(const config::Site& site) {
  if (site.workers != 0) return site.workers;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, base::limits::kUdpWorkersMax);
}

net::ServerOptions server_options(const config::Site& site) {
  net::ServerOptions options;
  for (const auto& listen : site.listen) options.listen.push_back({listen.address, listen.port});
  options.udp_workers = worker_count(site);
  return options;
}

net::HandlerFactory handler_factory(const base::Published<control::Serving>& serving,
                                    const base::Clock& clock, querylog::Recorder& recorder) {
  // Which address of a pool comes first need not be secret, but should differ from worker to worker.
  const std::uint64_t seed = std::random_device{}();
  return [&serving, &clock, &recorder, seed](net::WorkerIndex index, stats::Counters& counters) {
    const auto own_seed = base::mix(seed + static_cast<std::uint64_t>(index));
    return std::make_unique<QueryHandler>(serving, clock, recorder.make_tap(counters, ~own_seed), counters,
                                          own_seed);
  };
}

control::ServerInfo server_info(const config::Site& site, const net::Server& server,
                                const base::Clock& clock) {
  control::ServerInfo info{MERIDIAN_VERSION, site.site, {}, worker_count(site), clock.monotonic()};
  for (const auto& address : server.addresses()) info.listening.push_back(net::to_string(address));
  return info;
}

/// Worker threads inherit a mask with every signal blocked, so that signals interrupt this thread alone.
base::Expected<void, std::string> start_without_signals(net::Server& server) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto started = server.start();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

/// Handles signals until one says stop.
class Signals {
 public:
  Signals(boost::asio::io_context& context, control::Reloader& reloader, std::function<void()> reopen_logs)
      : context_(context),
        signals_(context, SIGTERM, SIGINT, SIGHUP),
        reloader_(reloader),
        reopen_logs_(std::move(reopen_logs)) {
    wait();
  }

 private:
  void wait() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (error) return;
      if (signal == SIGHUP) {
        reloader_.request([](const control::ReloadResult&) {});
        reopen_logs_();
        wait();
        return;
      }
      base::log_event(base::LogLevel::Info, "stopping", {{"signal", signal}});
      context_.stop();
    });
  }

  boost::asio::io_context& context_;
  boost::asio::signal_set signals_;
  control::Reloader& reloader_;
  std::function<void()> reopen_logs_;
};

int serve(const config::Site& site, const Options& options) {
  const base::SystemClock clock;
  stats::CounterRegistry counters;
  const std::string data_folder = base::find_data_folder(options.data);
  control::Reloader reloader({site.map, site.geoip, data_folder, compile::compile_settings(site)}, clock,
                             counters.register_block());
  if (const auto first = reloader.load_first(); !first) {
    std::fputs(first.error().to_text().c_str(), stderr);
    return fail(fmt::format("the map {} has errors; nothing is served", site.map));
  }

  boost::asio::io_context context(1);
  querylog::Recorder recorder(MERIDIAN_VERSION, clock, counters);
  recorder.configure(site);
  const Signals signals(context, reloader, [&] { recorder.configure(site); });
  std::optional<control::Api> api;  // made once the addresses are known; nothing is asked before run()
  control::HttpServer http(context, counters.register_block(),
                           [&api](const control::Request& request, control::Respond respond) {
                             api->handle(request, std::move(respond));
                           });
  const auto& socket = options.control.empty() ? site.control_unix : options.control;
  if (const auto listening = http.listen(socket); !listening) return fail(listening.error());

  net::Server server(server_options(site), handler_factory(reloader.serving(), clock, recorder), counters);
  if (const auto started = start_without_signals(server); !started) return fail(started.error());
  api.emplace(server_info(site, server, clock), reloader, counters, clock);
  reloader.start();

  for (const auto& address : server.addresses()) {
    base::log_event(base::LogLevel::Info, "listening",
                    {{"address", net::to_string(address)}, {"transport", "udp+tcp"}});
  }
  base::log_event(base::LogLevel::Info, "ready",
                  {{"site", site.site}, {"control", socket}, {"version", MERIDIAN_VERSION}});
  context.run();

  server.stop();
  recorder.stop();
  http.stop();
  reloader.stop();
  base::log_event(base::LogLevel::Info, "stopped");
  return 0;
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
  const auto loaded = config::load_site_file(options.site);
  std::fputs(loaded.diagnostics.to_text().c_str(), stderr);
  if (loaded.diagnostics.has_errors()) return fail(fmt::format("the site file {} has errors", options.site));
  return serve(loaded.site, options);
}

}  // namespace
}  // namespace meridian::meridiand

int main(int argc, char** argv) {
  // The one place where what a library throws at start-up ends.
  try {
    return meridian::meridiand::run(argc, argv);
  } catch (const std::exception& error) {
    return meridian::meridiand::fail(error.what());
  }
}

#include "meridiand/daemon.hpp"

#include "base/data_folder.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "meridiand/query_handler.hpp"
#include "meridiand/site_changes.hpp"

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <memory>
#include <random>
#include <thread>
#include <utility>

namespace meridian::meridiand {
namespace {

std::size_t worker_count(const config::Site& site) {
  if (site.workers != 0) return site.workers;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, base::limits::kUdpWorkersMax);
}

net::ServerOptions server_options(const config::Site& site) {
  net::ServerOptions options;
  options.listen = listen_addresses(site);
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

control::ServerInfo server_info(const net::Server& server, std::size_t workers, const base::Clock& clock) {
  return {.version = MERIDIAN_VERSION,
          .listening =
              [&server] {
                std::vector<std::string> listening;
                for (const auto& address : server.addresses()) listening.push_back(net::to_string(address));
                return listening;
              },
          .workers = workers,
          .started_at = clock.monotonic()};
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

control::WatchedPaths watched_paths(const config::Site& site, const std::string& data_folder) {
  control::WatchedPaths paths{.files = {site.path, data_folder + "/places.yaml"}, .folders = {site.map}};
  if (site.geoip.empty()) paths.files.push_back(data_folder + "/country.mmdb");
  for (const auto& database : site.geoip) {
    paths.files.insert(paths.files.end(), database.files.begin(), database.files.end());
  }
  return paths;
}

constexpr control::FileWatcher::Times kWatchTimes{
    .postpone_max = std::chrono::milliseconds{base::limits::kWatchPostponeMaxMs},
    .poll = std::chrono::milliseconds{base::limits::kWatchPollMs}};

}  // namespace

Daemon::Daemon(config::Site site, Options options)
    : site_(std::move(site)),
      options_(std::move(options)),
      data_folder_(base::find_data_folder(options_.data)),
      reloader_(control::read_site_from(options_.site), data_folder_, clock_, counters_.register_block()),
      recorder_(MERIDIAN_VERSION, clock_, counters_),
      watcher_(context_, clock_, kWatchTimes,
               [this] { reloader_.request([](const control::ReloadResult&) {}); }),
      http_(context_, counters_.register_block(),
            [this](const control::Request& request, control::Respond respond) {
              api_->handle(request, std::move(respond));
            }) {}

base::Expected<void, std::string> Daemon::start() {
  if (const auto first = reloader_.load_first(); !first) {
    return base::unexpected(fmt::format("{}meridiand: the map {} has errors; nothing is served",
                                        first.error().to_text(), site_.map));
  }
  const auto& socket = options_.control.empty() ? site_.control_unix : options_.control;
  if (auto listening = http_.listen(socket); !listening) {
    return base::unexpected("meridiand: " + listening.error());
  }
  if (auto started = start_server(); !started) return base::unexpected("meridiand: " + started.error());
  for (const auto& address : server_->addresses()) {
    base::log_event(base::LogLevel::Info, "listening",
                    {{"address", net::to_string(address)}, {"transport", "udp+tcp"}});
  }
  base::log_event(base::LogLevel::Info, "ready",
                  {{"site", site_.site}, {"control", socket}, {"version", MERIDIAN_VERSION}});
  return {};
}

base::Expected<void, std::string> Daemon::start_server() {
  const auto options = server_options(site_);
  server_.emplace(options, handler_factory(reloader_.serving(), clock_, recorder_), counters_);
  if (auto started = start_without_signals(*server_); !started) return started;
  api_.emplace(server_info(*server_, options.udp_workers, clock_), reloader_, counters_, clock_);
  recorder_.configure(site_);
  reloader_.set_prepare(site_changes(site_, *server_, [this] {
    recorder_.configure(*reloader_.serving().get()->site);
    boost::asio::post(context_, [this] { watch_files(); });
  }));
  reloader_.start();
  watch_files();
  return {};
}

void Daemon::watch_files() {
  const auto site = reloader_.serving().get()->site;
  if (!site->watch.on) return watcher_.stop();
  watcher_.watch(watched_paths(*site, data_folder_), std::chrono::seconds{site->watch.settle_s});
}

void Daemon::run() {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
  wait_for_signal();
  context_.run();

  server_->stop();
  http_.stop();
  reloader_.stop();
  recorder_.stop();
  base::log_event(base::LogLevel::Info, "stopped");
}

void Daemon::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      reloader_.request([](const control::ReloadResult&) {});
      return wait_for_signal();
    }
    base::log_event(base::LogLevel::Info, "stopping", {{"signal", signal}});
    context_.stop();
  });
}

}  // namespace meridian::meridiand

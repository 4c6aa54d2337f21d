#include "meridiand/daemon.hpp"

#include "base/data_folder.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/utc.hpp"
#include "control/self_test.hpp"
#include "control/tokens.hpp"
#include "journal/audit.hpp"
#include "meridiand/query_handler.hpp"
#include "meridiand/site_changes.hpp"
#include "net/service_manager.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>
#include <future>
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

/// A socket of a SO_REUSEPORT group that came or went would lose what waits in the others, so whoever takes
/// over has as many workers as there are sockets.
std::size_t worker_count(const config::Site& site, const control::Inheritance& inherited) {
  return inherited.sockets.empty() ? worker_count(site) : inherited.sockets.front().udp.size();
}

net::ServerOptions server_options(const config::Site& site, const control::Inheritance& inherited) {
  net::ServerOptions options;
  options.listen = listen_addresses(site);
  options.proxy_listen = proxy_listens(site);
  options.tcp = tcp_limits(site);
  const auto wanted = worker_count(site);
  options.udp_workers = worker_count(site, inherited);
  if (options.udp_workers != wanted) {
    base::log_event(base::LogLevel::Warning, "workers_kept",
                    {{"workers", options.udp_workers}, {"wanted", wanted}});
  }
  return options;
}

void write_down(journal::Journal& journal, const control::HealthChange& change) {
  // A change that is left out is counted there.
  static_cast<void>(journal.record({.endpoint = {.service = change.service,
                                                 .datacenter = change.datacenter,
                                                 .address = base::to_string(change.address)},
                                    .check = change.check,
                                    .from = std::string{health::to_string(change.from)},
                                    .to = std::string{health::to_string(change.to)},
                                    .cause = change.cause,
                                    .at = change.at}));
}

net::HandlerFactory handler_factory(const base::Published<control::Serving>& serving,
                                    const base::Clock& clock, querylog::Recorder& recorder,
                                    stats::LatencyRegistry& latency) {
  // Which address of a pool comes first need not be secret, but should differ from worker to worker.
  const std::uint64_t seed = std::random_device{}();
  return [&serving, &clock, &recorder, &latency, seed](net::WorkerIndex index, stats::Counters& counters) {
    const auto own_seed = base::mix(seed + static_cast<std::uint64_t>(index));
    return std::make_unique<QueryHandler>(serving, clock, recorder.make_tap(counters, ~own_seed),
                                          QueryHandler::Thread{.index = static_cast<std::size_t>(index),
                                                               .counters = counters,
                                                               .latency = latency.register_block(),
                                                               .seed = own_seed});
  };
}

control::ServerInfo server_info(const net::Server& server, std::string http, std::size_t workers,
                                const base::Clock& clock) {
  return {.version = MERIDIAN_VERSION,
          .listening =
              [&server] {
                std::vector<std::string> listening;
                for (const auto& address : server.addresses()) listening.push_back(net::to_string(address));
                return listening;
              },
          .http = std::move(http),
          .workers = workers,
          .started_at = clock.monotonic()};
}

/// Worker threads inherit a mask with every signal blocked, so that signals interrupt this thread alone.
base::Expected<void, std::string> start_without_signals(net::Server& server,
                                                        std::vector<net::ListenSockets> inherited) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto started = server.start(std::move(inherited));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

control::WatchedPaths watched_paths(const config::Site& site, const config::MapDirectory& map,
                                    const std::string& data_folder) {
  control::WatchedPaths paths{.files = {site.path, data_folder + "/places.json"}, .folders = {site.map}};
  if (site.geoip.empty()) paths.files.push_back(data_folder + "/country.mmdb");
  for (const auto& database : site.geoip) {
    paths.files.insert(paths.files.end(), database.files.begin(), database.files.end());
  }
  // Below the map, but a file may lie deeper than the map's folders are followed.
  for (const auto& file : map.networks_files) paths.files.push_back(file.file);
  for (const auto& secret : site.cookies.secrets) {
    if (!secret.file.empty()) paths.files.push_back(secret.file);
  }
  return paths;
}

/// While it waits for the control thread, an upgrade looks so often whether that thread has ended.
constexpr std::chrono::milliseconds kControlCheck{50};

constexpr control::FileWatcher::Times kWatchTimes{
    .postpone_max = std::chrono::milliseconds{base::limits::kWatchPostponeMaxMs},
    .poll = std::chrono::milliseconds{base::limits::kWatchPollMs}};

}  // namespace

Daemon::Daemon(Options options)
    : options_(std::move(options)),
      data_folder_(base::find_data_folder(options_.data)),
      reloader_(control::read_site_from(options_.site), data_folder_, clock_, counters_.register_block()),
      recorder_(MERIDIAN_VERSION, clock_, counters_),
      watcher_(context_, clock_, kWatchTimes, std::bind_front(&Daemon::reload, this)),
      http_(context_, counters_.register_block(), std::bind_front(&Daemon::answer_control, this)),
      http_gate_(std::bind_front(&Daemon::answer_control, this), tcp_http_block_),
      tcp_http_(context_, tcp_http_block_, std::bind_front(&control::HttpGate::handle, &http_gate_),
                "control: {http: …}") {
  reloader_.set_overrides(overrides_);
  overrides_.set_on_change([this] { wait_for_overrides(); });
  overrides_.set_on_audit(
      [this](const journal::AuditRow& row) { events_.publish("override", journal::to_json(row)); });
  reloader_.set_on_failed([this](const control::ReloadResult& result) { tell_failed_reload(result); });
  reloader_.set_health(keeper_);
  if (options_.takeover_descriptor >= 0)
    takeover_.emplace(options_.takeover_descriptor, takeover_block_, overrides_);
}

void Daemon::reload() {
  reloader_.request([](const control::ReloadResult&) {});
}

void Daemon::answer_control(const http::Request& request, http::Respond respond) {
  api_->handle(request, std::move(respond));
}

base::Expected<void, std::string> Daemon::start(config::Site site) {
  site_ = std::move(site);
  journal_.emplace(site_.state, clock_, journal_block_);
  overrides_.set_journal(*journal_);
  keeper_.set_on_change([this](const control::HealthChange& change) {
    write_down(*journal_, change);
    events_.publish("health", control::to_json(change));
  });
  control::Inheritance inherited;
  if (takeover_) {
    auto received = takeover_->receive();
    if (!received) return base::unexpected("meridiand: " + received.error());
    inherited = std::move(*received);
    if (inherited.cookie_secret) reloader_.set_own_secret(*inherited.cookie_secret);
  }
  const OldServer old{.pid = inherited.pid,
                      .socket_files = {inherited.control_path, inherited.liveness_path}};
  if (auto listening = listen_liveness(inherited); !listening) return listening;
  reloader_.set_answers(answers_, worker_count(site_, inherited) + 1);  // and TCP's
  if (auto loaded = load(inherited); !loaded) return loaded;
  health_watch_.start(*journal_);
  if (auto listening = listen(std::move(inherited)); !listening) return listening;
  for (const auto& address : server_->addresses()) {
    base::log_event(base::LogLevel::Info, "listening",
                    {{"address", net::to_string(address)}, {"transport", "udp+tcp"}});
  }
  liveness_view_.set_ready([this] { return server_->queries_by_address(); });
  liveness_.tell();
  base::log_event(base::LogLevel::Info, "ready",
                  {{"site", site_.site}, {"control", control_path_}, {"version", MERIDIAN_VERSION}});
  if (takeover_) return replace_old_server(old);
  net::notify_service_manager("READY=1");
  return {};
}

/// Before the map is loaded, which may take a while: an agent is told that we are not ready, and not that
/// nobody is there. With an old server it has that one to hold to, until that lets go.
base::Expected<void, std::string> Daemon::listen_liveness(control::Inheritance& inherited) {
  if (!site_.anycast) return {};
  const auto& path = site_.anycast->agent.liveness;
  if (inherited.liveness && inherited.liveness_path == path) {
    liveness_.adopt(std::move(inherited.liveness));
  } else if (auto listening = liveness_.listen(path); !listening) {
    return base::unexpected("meridiand: " + listening.error());
  }
  if (!takeover_) liveness_.start();
  return {};
}

base::Expected<void, std::string> Daemon::load(const control::Inheritance& inherited) {
  // The server before us goes on until we are ready, so there is time; and an upgrade tells what is wrong.
  const auto from =
      takeover_ ? control::Reloader::StartFrom::Sources : control::Reloader::StartFrom::LastEpoch;
  if (const auto first = reloader_.load_first(from); !first) {
    return base::unexpected(fmt::format("{}meridiand: the map {} has errors; nothing is served",
                                        first.error().to_text(), site_.map));
  }
  if (!takeover_) return {};
  if (auto tested = control::self_test(*reloader_.serving().get(), inherited.zones); !tested) {
    return base::unexpected("meridiand: " + tested.error());
  }
  return {};
}

base::Expected<void, std::string> Daemon::listen(control::Inheritance inherited) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
  wait_for_signal();
  control_path_ = options_.control.empty() ? site_.control_unix : options_.control;
  if (inherited.control && inherited.control_path == control_path_) {
    http_.adopt(std::move(inherited.control));
  } else if (auto listening = http_.listen(control_path_, "'control: {unix: …}' or --control"); !listening) {
    return base::unexpected("meridiand: " + listening.error());
  }
  const auto options = server_options(site_, inherited);
  server_.emplace(options, handler_factory(reloader_.serving(), clock_, recorder_, latency_), counters_);
  if (auto started = start_without_signals(*server_, std::move(inherited.sockets)); !started) {
    return base::unexpected("meridiand: " + started.error());
  }
  upgrader_.emplace(upgrade_parts(), counters_, counters_.register_block());
  if (auto listening = listen_http(); !listening) return listening;
  make_api(options.udp_workers);
  recorder_.configure(site_);
  reloader_.set_prepare(site_changes(
      site_, *server_, [this] { return upgrader_->is_under_way(); },
      [this] {
        recorder_.configure(*reloader_.serving().get()->site);
        health_watch_.follow();
        boost::asio::post(context_, [this] {
          watch_files();
          load_tokens();
          tell_map();
          liveness_.tell();
        });
      }));
  reloader_.start();
  watch_files();
  wait_for_overrides();
  tick_health();
  wait_for_leases();
  return {};
}

void Daemon::make_api(std::size_t workers) {
  metrics_.emplace(
      control::MetricsSources{.reloader = reloader_,
                              .overrides = overrides_,
                              .journal = *journal_,
                              .upgrader = *upgrader_,
                              .health = keeper_,
                              .answers = answers_,
                              .latency = latency_,
                              .queries_by_address = [this] { return server_->queries_by_address(); },
                              .clock = clock_,
                              .version = MERIDIAN_VERSION,
                              .started_at = clock_.monotonic()});
  api_.emplace(server_info(*server_, tcp_http_.address(), workers, clock_),
               control::ApiParts{.reloader = reloader_,
                                 .overrides = overrides_,
                                 .journal = *journal_,
                                 .upgrader = *upgrader_,
                                 .demand = recorder_.demand(),
                                 .health = keeper_,
                                 .reports = health_watch_,
                                 .clock = clock_,
                                 .events = events_,
                                 .metrics = [this] { return control::metrics_page(*metrics_); }});
}

base::Expected<void, std::string> Daemon::listen_http() {
  if (!site_.control_http) return {};
  load_tokens();
  if (auto listening = tcp_http_.listen(site_.control_http->address, site_.control_http->port); !listening)
    return base::unexpected("meridiand: " + listening.error());
  base::log_event(base::LogLevel::Info, "http_listening",
                  {{"address", tcp_http_.address()}, {"tokens", !site_.control_tokens.empty()}});
  return {};
}

/// Behind every reload, too. Tokens that cannot be read let nobody in, least of all those of before.
void Daemon::load_tokens() {
  const auto& file = reloader_.serving().get()->site->control_tokens;
  if (file.empty()) return http_gate_.set_tokens(nullptr);
  auto book = control::TokenBook::load(file);
  if (!book) base::log_event(base::LogLevel::Error, "tokens_unreadable", {{"why", book.error()}});
  http_gate_.set_tokens(
      std::make_shared<const control::TokenBook>(book ? std::move(*book) : control::TokenBook{}));
}

void Daemon::tell_map() {
  const auto serving = reloader_.serving().get();
  events_.publish("map", {{"epoch", serving->snapshot->epoch},
                          {"built_at", base::to_utc(serving->snapshot->built_at)},
                          {"hash", serving->info.hash}});
}

/// With one error of what may be a thousand: events wait for their listeners in memory.
void Daemon::tell_failed_reload(const control::ReloadResult& result) {
  const auto first = result.first_error();
  events_.publish("reload_failed", {{"epoch", result.epoch},
                                    {"errors", result.diagnostics.error_count()},
                                    {"why", first ? base::to_string(*first) : ""}});
}

/// We answer already; from here on the old server does no more.
base::Expected<void, std::string> Daemon::replace_old_server(const OldServer& old) {
  const auto is_outdated = takeover_->let_go_of_old();
  if (!is_outdated) return base::unexpected("meridiand: " + is_outdated.error());
  wait_for_overrides();  // the last word on it came with the go
  http_.own_socket_file(control_path_);
  const auto liveness_path = site_.anycast ? site_.anycast->agent.liveness : std::string{};
  liveness_.own_socket_file(liveness_path);
  liveness_.start();  // before the old server ends its connections: who comes back finds us
  // The old server leaves its files to us, also where the site file names others by now.
  std::error_code ignored;
  for (const auto& file : old.socket_files) {
    if (file != control_path_ && file != liveness_path) std::filesystem::remove(file, ignored);
  }
  takeover_block_.add(stats::Counter::UpgradesOk);
  net::notify_service_manager(fmt::format("MAINPID={}\nREADY=1", ::getpid()));
  base::log_event(base::LogLevel::Info, "taken_over", {{"from_pid", old.pid}});
  takeover_->serve(context_, [pid = old.pid] {
    base::log_event(base::LogLevel::Info, "old_server_ended", {{"pid", pid}});
  });
  if (*is_outdated) reload();
  return {};
}

void Daemon::tell_old_server(const std::string& error) {
  if (takeover_) takeover_->fail(error);
}

/// From another thread: returns when `work` was done on the control thread, or when that has ended.
void Daemon::run_on_control(const std::function<void()>& work) {
  const auto done = std::make_shared<std::promise<void>>();
  boost::asio::post(context_, [work, done] {
    work();
    done->set_value();
  });
  auto waited = done->get_future();
  while (!context_.stopped() && waited.wait_for(kControlCheck) != std::future_status::ready) {
  }
}

control::UpgradeParts Daemon::upgrade_parts() {
  return {
      .command = options_.command,
      .control_path = control_path_,
      .liveness_path = site_.anycast ? site_.anycast->agent.liveness : std::string{},
      .cookie_secret = reloader_.own_secret(),
      .sockets = [this] { return server_->duplicate_sockets(); },
      .control_listener = [this] { return http_.duplicate_listener(); },
      .liveness_listener = [this] { return liveness_.duplicate_listener(); },
      .serving = [this] { return reloader_.serving().get(); },
      .overrides = [this] { return overrides_.to_json(); },
      .pause_control =
          [this](bool is_paused) {
            run_on_control([this, is_paused] {
              http_.pause(is_paused);
              tcp_http_.pause(is_paused);
            });
          },
      .hand_over =
          [this] {
            liveness_.hand_over();
            server_->hand_over();
            reloader_.stop();
            health_watch_.stop();
          },
      .leave = [this] { boost::asio::post(context_, [this] { http_.leave([this] { context_.stop(); }); }); }};
}

void Daemon::watch_files() {
  const auto serving = reloader_.serving().get();
  const auto& site = serving->site;
  if (!site->watch.on) return watcher_.stop();
  watcher_.watch(watched_paths(*site, *serving->rulebook->model, data_folder_),
                 std::chrono::seconds{site->watch.settle_s});
}

/// Begins and ends overrides when that is due. Their times are those of the wall, whose clock may jump.
void Daemon::wait_for_overrides() {
  override_timer_.cancel();
  const auto next = overrides_.next_change();
  if (!next) return;
  constexpr std::chrono::milliseconds kCheck{base::limits::kOverrideCheckMs};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - clock_.wall());
  override_timer_.expires_after(std::clamp(left, std::chrono::milliseconds{0}, kCheck));
  override_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) overrides_.apply_due();
  });
}

/// What changes because time passes: states that are too old, panics.
void Daemon::tick_health() {
  health_timer_.expires_after(std::chrono::seconds{1});
  health_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    health_watch_.advance();
    tick_health();
  });
}

/// A lease that runs out is a probe that failed, and is not to wait for the next second.
void Daemon::wait_for_leases() {
  constexpr std::chrono::milliseconds kTick{base::limits::kPushLeaseTickMs};
  // A report that comes meanwhile holds for a second at least.
  const auto latest = clock_.monotonic() + std::chrono::seconds{1};
  const auto next = std::min(health_watch_.next_lease_end().value_or(latest), latest);
  lease_timer_.expires_at(base::MonotonicTime{(next.time_since_epoch() / kTick + 1) * kTick});
  lease_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    health_watch_.expire_leases();
    wait_for_leases();
  });
}

void Daemon::run() {
  context_.run();

  liveness_.stop();  // first: whoever decides on our routes is to know while we still answer
  // Also a hand-over that still waits for its TCP clients ends soon after this.
  server_->request_stop();
  upgrader_->stop();
  server_->stop();
  http_.stop();
  tcp_http_.stop();
  reloader_.stop();
  health_watch_.stop();
  recorder_.stop();
  base::log_event(base::LogLevel::Info, "stopped");
}

void Daemon::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      // Also when the map is broken, or lines would go on into the file that logrotate moved away.
      reloader_.request([this](const control::ReloadResult& result) {
        if (!result.ok) recorder_.configure(*reloader_.serving().get()->site);
      });
      return wait_for_signal();
    }
    base::log_event(base::LogLevel::Info, "stopping", {{"signal", signal}});
    net::notify_service_manager("STOPPING=1");
    context_.stop();
  });
}

}  // namespace meridian::meridiand

// The running server: every part, wired. Builds the first epoch, binds or takes over, serves, and ends on
// a signal or when it has handed over.
//
// Threads: UDP workers and TCP in net/, the builder in control/, one that probes, one of the journal, and the
// one that calls run() for signals, the control socket and watched files.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "control/answer_totals.hpp"
#include "control/api.hpp"
#include "control/file_watcher.hpp"
#include "control/health_keeper.hpp"
#include "control/http_gate.hpp"
#include "control/liveness_socket.hpp"
#include "control/liveness_view.hpp"
#include "control/metrics_page.hpp"
#include "control/overrides.hpp"
#include "control/reloader.hpp"
#include "control/takeover.hpp"
#include "control/upgrader.hpp"
#include "http/event_hub.hpp"
#include "http/http_server.hpp"
#include "http/tcp_http_server.hpp"
#include "journal/journal.hpp"
#include "meridiand/health_watch.hpp"
#include "meridiand/options.hpp"
#include "net/server.hpp"
#include "querylog/recorder.hpp"
#include "stats/counters.hpp"
#include "stats/latency.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace meridian::meridiand {

class Daemon {
 public:
  explicit Daemon(Options options);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Loads, binds and serves. `site` was read from `options.site` without errors. The error is what the
  /// operator should read.
  [[nodiscard]] base::Expected<void, std::string> start(config::Site site);

  /// Until a signal says stop, or a new server has taken over.
  void run();

  /// An old server that started us learns why it must go on.
  void tell_old_server(const std::string& error);

 private:
  void reload();
  void answer_control(const http::Request& request, http::Respond respond);
  [[nodiscard]] base::Expected<void, std::string> load(const control::Inheritance& inherited);
  [[nodiscard]] base::Expected<void, std::string> listen(control::Inheritance inherited);
  [[nodiscard]] base::Expected<void, std::string> listen_liveness(control::Inheritance& inherited);
  void make_api(std::size_t workers);
  [[nodiscard]] base::Expected<void, std::string> listen_http();
  void load_tokens();
  void tell_map();
  void tell_failed_reload(const control::ReloadResult& result);
  struct OldServer {
    int pid = 0;
    std::vector<std::string> socket_files;
  };
  [[nodiscard]] base::Expected<void, std::string> replace_old_server(const OldServer& old);
  [[nodiscard]] control::UpgradeParts upgrade_parts();
  void run_on_control(const std::function<void()>& work);
  void wait_for_signal();
  void watch_files();
  void wait_for_overrides();
  void tick_health();
  void wait_for_leases();

  config::Site site_;  ///< As it was at the start.
  const Options options_;
  const std::string data_folder_;
  base::SystemClock clock_;
  stats::CounterRegistry counters_;
  stats::Counters& takeover_block_ = counters_.register_block();
  http::EventHub events_{counters_.register_block()};
  stats::LatencyRegistry latency_;
  control::AnswerTotals answers_;
  std::string control_path_;
  stats::Counters& journal_block_ = counters_.register_block();
  std::optional<journal::Journal> journal_;  ///< made once the site file is known; before what writes into it
  control::Overrides overrides_{clock_, counters_.register_block()};
  control::HealthKeeper keeper_{clock_, counters_.register_block()};
  HealthWatch health_watch_{clock_, keeper_, counters_.register_block()};
  control::Reloader reloader_;
  control::LivenessView liveness_view_{reloader_, keeper_, counters_, clock_};
  control::LivenessSocket liveness_{[this] { return liveness_view_.look(); }};
  querylog::Recorder recorder_;
  boost::asio::io_context context_{1};
  boost::asio::signal_set signals_{context_};
  boost::asio::steady_timer override_timer_{context_};
  boost::asio::steady_timer health_timer_{context_};
  boost::asio::steady_timer lease_timer_{context_};
  control::FileWatcher watcher_;
  std::optional<control::MetricsSources> metrics_;
  std::optional<control::Api> api_;  ///< Made once the addresses are known; nothing is asked before run().
  http::HttpServer http_;
  stats::Counters& tcp_http_block_ = counters_.register_block();
  control::HttpGate http_gate_;
  http::TcpHttpServer tcp_http_;
  std::optional<net::Server> server_;
  std::optional<control::Takeover> takeover_;
  std::optional<control::Upgrader> upgrader_;
};

}  // namespace meridian::meridiand

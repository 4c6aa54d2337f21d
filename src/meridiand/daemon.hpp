// The running server: every part, wired. Reads the site file, builds the first epoch, binds, serves, and
// stops on a signal.
//
// Threads: UDP workers and TCP in net/, the builder in control/, and the one that calls run() for signals,
// the control socket and watched files.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "control/api.hpp"
#include "control/file_watcher.hpp"
#include "control/http_server.hpp"
#include "control/reloader.hpp"
#include "meridiand/options.hpp"
#include "net/server.hpp"
#include "querylog/recorder.hpp"
#include "stats/counters.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <optional>
#include <string>

namespace meridian::meridiand {

class Daemon {
 public:
  /// `site` was read from `options.site` without errors.
  Daemon(config::Site site, Options options);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Loads, binds and serves. The error is what the operator should read.
  [[nodiscard]] base::Expected<void, std::string> start();

  /// Until a signal says stop.
  void run();

 private:
  [[nodiscard]] base::Expected<void, std::string> start_server();
  void wait_for_signal();
  void watch_files();

  const config::Site site_;
  const Options options_;
  const std::string data_folder_;
  base::SystemClock clock_;
  stats::CounterRegistry counters_;
  control::Reloader reloader_;
  querylog::Recorder recorder_;
  boost::asio::io_context context_{1};
  boost::asio::signal_set signals_{context_};
  control::FileWatcher watcher_;
  std::optional<control::Api> api_;  ///< Made once the addresses are known; nothing is asked before run().
  control::HttpServer http_;
  std::optional<net::Server> server_;
};

}  // namespace meridian::meridiand

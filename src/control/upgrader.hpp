// The old server's side of a hand-over: starts the new binary, lends it every socket, and leaves once the new
// one answers. Whatever goes wrong before that, this server has never stopped serving.
//
// The work runs on a thread of its own. docs/upgrade.md tells it in the operator's words.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "control/handover_channel.hpp"
#include "control/reloader.hpp"
#include "dns/cookie.hpp"
#include "net/sockets.hpp"
#include "stats/counters.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace meridian::control {

/// What the running server lends. All are called on the upgrade's thread and may block.
struct UpgradeParts {
  std::vector<std::string> command;  ///< the program's path and arguments
  std::string control_path;
  std::string liveness_path = {};        ///< empty: there is no such socket
  dns::CookieSecret cookie_secret = {};  ///< its own: cookies must outlive the process that signed them
  std::function<base::Expected<std::vector<net::ListenSockets>, std::string>()> sockets;
  std::function<net::FileDescriptor()> control_listener;
  std::function<net::FileDescriptor()> liveness_listener = {};
  std::function<std::shared_ptr<const Serving>()> serving;
  /// What operators set, in messages (Overrides::to_json).
  std::function<std::vector<boost::json::array>()> overrides;
  /// Leaves control connections to the other process, or takes them again.
  std::function<void(bool)> pause_control;
  /// Stops serving DNS; returns when the last client is served.
  std::function<void()> hand_over;
  /// The process may end.
  std::function<void()> leave;
};

struct UpgradeResult {
  bool ok = false;
  std::string error;  ///< what the operator should read
  int pid = 0;        ///< of the new server
  std::chrono::milliseconds took{0};
};

class Upgrader {
 public:
  using Done = std::function<void(const UpgradeResult&)>;

  Upgrader(UpgradeParts parts, const stats::CounterRegistry& counters, stats::Counters& block);
  ~Upgrader();
  Upgrader(const Upgrader&) = delete;
  Upgrader& operator=(const Upgrader&) = delete;

  /// False, and nothing happens, while one is under way. `done` is called on the upgrade's thread, when the
  /// new server answers or this one goes on. One thread calls this and stop().
  [[nodiscard]] bool request(std::chrono::seconds timeout, Done done);

  [[nodiscard]] bool is_under_way() const;

  /// What status may tell of the counters. Once they are handed on that is what was handed on: a client whose
  /// connection is still ours must not read of counts that the new server hears of only later, and then its
  /// lower ones.
  [[nodiscard]] boost::json::object totals() const;

  /// Ends an upgrade that is under way; the new server is ended with it unless it serves already.
  void stop();

 private:
  void run(std::chrono::seconds timeout, const Done& done);
  [[nodiscard]] base::Expected<void, std::string> bring_up(base::MonotonicTime deadline,
                                                           UpgradeResult& result);
  [[nodiscard]] base::Expected<void, std::string> lend(base::MonotonicTime deadline);
  [[nodiscard]] base::Expected<void, std::string> lend_listener(std::string_view type,
                                                                const std::string& path,
                                                                net::FileDescriptor listener,
                                                                base::MonotonicTime deadline);
  [[nodiscard]] base::Expected<void, std::string> lend_sockets(base::MonotonicTime deadline);
  [[nodiscard]] base::Expected<void, std::string> lend_overrides(base::MonotonicTime deadline);
  [[nodiscard]] base::Expected<void, std::string> await_ready(base::MonotonicTime deadline);
  [[nodiscard]] boost::json::object freeze_totals();
  [[nodiscard]] base::Expected<void, std::string> let_go(std::uint64_t epoch_lent);

  UpgradeParts parts_;
  const stats::CounterRegistry& counters_;
  stats::Counters& block_;
  mutable std::mutex mutex_;
  bool under_way_ = false;
  bool stopping_ = false;
  std::unique_ptr<HandoverChannel> channel_;
  std::optional<boost::json::object> handed_on_;  ///< totals
  std::thread thread_;
};

}  // namespace meridian::control

// Tells when files changed and have been quiet for a while: inotify where the kernel has it, and a look at
// the files' stamps now and then where it has not (NFS, FUSE).
//
// An event only says that a look is worth while; the stamps decide, so an editor's temporary file or an
// overflow of events can do no harm. Runs on the context's thread; construct and destroy while it stands.
#pragma once

#include "base/clock.hpp"
#include "control/settle.hpp"
#include "control/watch_list.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace meridian::control {

class FileWatcher {
 public:
  struct Times {
    std::chrono::milliseconds postpone_max;
    std::chrono::milliseconds poll;
  };

  /// `changed` is called on the context's thread.
  FileWatcher(boost::asio::io_context& context, const base::Clock& clock, Times times,
              std::function<void()> changed);

  /// Watches these from now on. With the paths it watches already, only `quiet` changes.
  void watch(const WatchedPaths& paths, std::chrono::milliseconds quiet);
  void stop();

 private:
  void arm();
  void wait_for_event();
  void wait_for_time();
  void take_events();
  void gather();
  void on_time();
  void look(base::MonotonicTime now);
  [[nodiscard]] std::vector<std::string> take_stamps() const;

  boost::asio::io_context& context_;
  const base::Clock& clock_;
  Times times_;
  std::function<void()> changed_;
  std::optional<WatchedPaths> paths_;
  Settle settle_{std::chrono::milliseconds{0}, std::chrono::milliseconds{0}};
  bool is_limited_ = false;                   ///< inotify could not watch everything; told once
  bool noticed_by_look_ = false;              ///< no event told, so nobody would tell of a second change
  std::vector<std::string> stamps_;           ///< of what was read last
  std::vector<std::string> seen_;             ///< at the last look
  std::vector<std::set<std::string>> names_;  ///< by watch descriptor
  base::MonotonicTime next_look_;
  boost::asio::posix::stream_descriptor events_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer gather_timer_;
};

}  // namespace meridian::control

// One run of a program that checks something: its exit code, or why there is none. One thread, the
// io_context's.
#pragma once

#include "base/expected.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace meridian::agent {

/// How a program ended.
struct CheckEnd {
  bool was_started = false;  ///< false: it cannot be run, which says nothing of what it checks
  int exit_code = -1;        ///< -1: it was killed, by us when its time was over, or by another
  std::string words;         ///< "exit code 1: disk is full", "no end within 2000 ms", "cannot start it: …"
};

class CheckRun : public std::enable_shared_from_this<CheckRun> {
 public:
  using Done = std::function<void(CheckEnd)>;

  /// `done` is called from the context, once, unless the run is cancelled. After `time` the
  /// program is ended, with all that it started.
  static std::shared_ptr<CheckRun> start(boost::asio::io_context& context,
                                         const std::vector<std::string>& command,
                                         std::chrono::milliseconds time, Done done);

  /// Ends the program, and says nothing more.
  void cancel();
  ~CheckRun();
  CheckRun(const CheckRun&) = delete;
  CheckRun& operator=(const CheckRun&) = delete;

 private:
  struct Parts;

  explicit CheckRun(boost::asio::io_context& context, Done done);
  void run(const std::vector<std::string>& command, std::chrono::milliseconds time);
  void on_process_end();
  void finish(CheckEnd end);
  void kill_group() const;

  boost::asio::io_context& context_;
  Done done_;  ///< empty once it was called, or the run was cancelled
  std::unique_ptr<Parts> parts_;
};

}  // namespace meridian::agent

// Writes the state beside the agent's thread: a disk that hangs must not hang the agent, or the bridge would
// withdraw what serves well. What is newer takes the place of what still waits.
//
// Made, called and destroyed on the thread of the io_context, where `on_fault` is called, too.
#pragma once

#include "base/clock.hpp"
#include "bgp/agent/state_folder.hpp"

#include <boost/asio/io_context.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace meridian::agent {

class StateWriter {
 public:
  /// `on_fault` each time that what cannot be written changes; empty: all can.
  using OnFault = std::function<void(const std::string& fault)>;

  /// The context must outlive this.
  StateWriter(boost::asio::io_context& context, StateFolder folder, OnFault on_fault);
  /// Writes what waits.
  ~StateWriter();
  StateWriter(const StateWriter&) = delete;
  StateWriter& operator=(const StateWriter&) = delete;

  void save(SavedState state);
  void beat(base::MonotonicTime now);

 private:
  struct Waiting {
    std::optional<SavedState> state;
    std::optional<base::MonotonicTime> beat;
    [[nodiscard]] bool is_empty() const noexcept { return !state && !beat; }
  };

  void run();
  [[nodiscard]] std::string write(const Waiting& waiting);

  boost::asio::io_context& context_;
  const StateFolder folder_;
  const std::shared_ptr<const OnFault> on_fault_;  ///< its end keeps what was posted from being called
  std::mutex mutex_;
  std::condition_variable is_wanted_;
  Waiting waiting_;          ///< under the mutex
  bool is_ending_ = false;   ///< under the mutex
  std::string fault_;        ///< the thread's
  std::string state_fault_;  ///< the thread's: of the last state, until another one is written
  std::thread thread_;
};

}  // namespace meridian::agent

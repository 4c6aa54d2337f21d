// One lane's writer thread: takes the records of every worker's ring to the sink in use.
//
// use() may be called from any thread, also while records flow. The thread exists from the first use of a
// sink on.
#pragma once

#include "querylog/ring.hpp"
#include "querylog/sink.hpp"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace meridian::querylog {

class Channel {
 public:
  /// `name` is the thread's, at most 15 letters.
  explicit Channel(const char* name) : name_(name) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() { stop(); }

  /// Reads from `ring` until it is empty and nobody else holds it.
  void add_ring(std::shared_ptr<Ring> ring);

  /// Ends the sink in use and opens `sink` in its place; nullptr: records are thrown away from now on.
  /// Returns once that is done, or after limits::kRecordReopenWaitMs without it. Throws std::system_error
  /// when there can be no thread.
  void use(std::unique_ptr<Sink> sink);

  /// Writes what the rings hold, ends the sink and the thread. No worker may be writing any more if the last
  /// records matter. May be called twice.
  void stop();

 private:
  using Rings = std::vector<std::shared_ptr<Ring>>;

  void run();
  void forget_rings();
  /// True when records were left behind.
  static bool drain(const Rings& rings, Sink* sink, std::size_t turns);

  const char* name_;
  std::mutex mutex_;
  std::condition_variable wake_;  ///< For the thread.
  std::condition_variable done_;  ///< For callers of use().
  Rings rings_;
  std::unique_ptr<Sink> next_;
  std::uint64_t requested_ = 0;  ///< Calls of use().
  std::uint64_t applied_ = 0;    ///< How many of them are done.
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace meridian::querylog

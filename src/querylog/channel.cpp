#include "querylog/channel.hpp"

#include "base/limits.hpp"

#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <functional>
#include <utility>

namespace meridian::querylog {
namespace {

using std::chrono::milliseconds;

/// Records taken from one ring before the next one's turn: no busy worker makes the others' rings run over.
constexpr std::size_t kTurnRecords = 256;
/// Turns before the thread looks whether it is wanted for something else, and before it flushes.
constexpr std::size_t kTurns = 16;
/// The last drain: more than a full ring holds, and an end even if somebody goes on writing.
constexpr std::size_t kLastTurns = base::limits::kQueryRecordRingBytes / kTurnRecords;

/// The thread inherits a mask with every signal blocked: signals are for the main thread.
std::thread start_without_signals(const char* name, std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  try {
    thread = std::thread(std::move(body));
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  static_cast<void>(::pthread_setname_np(thread.native_handle(), name));
  return thread;
}

}  // namespace

void Channel::add_ring(std::shared_ptr<Ring> ring) {
  const std::lock_guard lock(mutex_);
  rings_.push_back(std::move(ring));
}

/// Those of workers that have ended.
void Channel::forget_rings() {
  std::erase_if(rings_, [](const auto& ring) { return ring.use_count() == 1 && ring->front().empty(); });
}

void Channel::use(std::unique_ptr<Sink> sink) {
  std::unique_lock lock(mutex_);
  if (stopping_) return;
  if (!thread_.joinable()) {
    if (!sink) return;
    thread_ = start_without_signals(name_, [this] { run(); });
  }
  next_ = std::move(sink);
  const auto request = ++requested_;
  wake_.notify_all();
  done_.wait_for(lock, milliseconds{base::limits::kRecordReopenWaitMs}, [&] { return applied_ >= request; });
}

void Channel::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Channel::run() {
  std::unique_ptr<Sink> sink;
  bool is_busy = false;
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto is_wanted = [this] { return stopping_ || applied_ != requested_; };
    if (!sink) {
      wake_.wait(lock, is_wanted);
    } else if (!is_busy) {
      wake_.wait_for(lock, milliseconds{base::limits::kQueryRecordPauseMs}, is_wanted);
    }
    const bool is_last = stopping_;
    const auto request = requested_;
    const bool is_replaced = request != applied_;
    auto next = std::move(next_);
    forget_rings();
    const auto rings = rings_;
    lock.unlock();
    // What waits belongs to the old sink; when there was none, it is older than the new one's first query.
    is_busy = drain(rings, sink.get(), is_last ? kLastTurns : kTurns);
    if (is_replaced) {
      sink = std::move(next);
      if (sink) sink->open();
    }
    if (is_last) return;
    lock.lock();
    applied_ = request;
    if (is_replaced) done_.notify_all();
  }
}

bool Channel::drain(const Rings& rings, Sink* sink, std::size_t turns) {
  bool is_busy = true;
  for (std::size_t turn = 0; turn < turns && is_busy; ++turn) {
    is_busy = false;
    for (const auto& ring : rings) {
      std::size_t taken = 0;
      for (auto bytes = ring->front(); !bytes.empty() && taken < kTurnRecords; bytes = ring->front()) {
        if (sink != nullptr) sink->put(read_record(bytes));
        ring->pop();
        ++taken;
      }
      if (taken == kTurnRecords) is_busy = true;
    }
  }
  if (sink != nullptr) sink->flush();
  return is_busy;
}

}  // namespace meridian::querylog

#include "bgp/agent/state_writer.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace meridian::agent {

StateWriter::StateWriter(boost::asio::io_context& context, StateFolder folder, OnFault on_fault)
    : context_(context),
      folder_(std::move(folder)),
      on_fault_(std::make_shared<const OnFault>(std::move(on_fault))),
      thread_([this] { run(); }) {}

StateWriter::~StateWriter() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  is_wanted_.notify_one();
  thread_.join();
}

void StateWriter::save(SavedState state) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.state = std::move(state);
  }
  is_wanted_.notify_one();
}

void StateWriter::beat(base::MonotonicTime now) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.beat = now;
  }
  is_wanted_.notify_one();
}

void StateWriter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    is_wanted_.wait(lock, [this] { return is_ending_ || !waiting_.is_empty(); });
    if (waiting_.is_empty()) return;
    const Waiting taken = std::exchange(waiting_, {});
    lock.unlock();
    auto fault = write(taken);
    if (std::exchange(fault_, fault) != fault) {
      boost::asio::post(context_, [to = std::weak_ptr(on_fault_), fault = std::move(fault)] {
        if (const auto on_fault = to.lock()) (*on_fault)(fault);
      });
    }
    lock.lock();
  }
}

std::string StateWriter::write(const Waiting& waiting) {
  if (waiting.state) {
    const auto saved = folder_.save(*waiting.state);
    state_fault_ = saved ? "" : saved.error();
  }
  if (!state_fault_.empty() || !waiting.beat) return state_fault_;
  const auto beaten = folder_.beat(*waiting.beat);
  return beaten ? "" : beaten.error();
}

}  // namespace meridian::agent

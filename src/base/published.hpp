// The holder of what a builder thread replaces whole and many reader threads use: the snapshot.
//
// publish() may be called from any thread. Each reader thread owns a Reader and calls current() once a
// batch: one relaxed-cost atomic load when nothing changed, a lock only after a publish. A plain
// atomic<shared_ptr> would take a lock on each load in libstdc++ and bounce its count between cores.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace meridian::base {

template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> first) : value_(std::move(first)) {}

  /// Makes `next` what every reader gets from its next current() on. Returns what was there before.
  std::shared_ptr<const T> publish(std::shared_ptr<const T> next) {
    const std::lock_guard lock(mutex_);
    std::swap(value_, next);
    generation_.fetch_add(1, std::memory_order_release);
    return next;
  }

  /// For callers off the hot path.
  [[nodiscard]] std::shared_ptr<const T> get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

  /// One thread's view; keeps its value alive until the next current().
  class Reader {
   public:
    explicit Reader(const Published& source) : source_(&source) { refresh(); }

    /// HOT. Valid until the next call on this Reader.
    [[nodiscard]] const T& current() {
      if (source_->generation_.load(std::memory_order_acquire) != generation_) refresh();
      return *value_;
    }

    /// Which of the values published so far current() gave last, counted from 1.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

   private:
    void refresh() {
      const std::lock_guard lock(source_->mutex_);
      value_ = source_->value_;
      generation_ = source_->generation_.load(std::memory_order_relaxed);
    }

    const Published* source_;
    std::shared_ptr<const T> value_;
    std::uint64_t generation_ = 0;
  };

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
  std::atomic<std::uint64_t> generation_{1};
};

}  // namespace meridian::base

#include "http/event_hub.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <utility>

namespace meridian::http {

namespace limits = base::limits;
using stats::Counter;

void EventSubscription::set_wake(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

std::optional<std::string> EventSubscription::take() {
  const std::lock_guard lock(mutex_);
  if (is_dropped_) return std::nullopt;
  waiting_count_ = 0;
  return std::exchange(waiting_, {});
}

bool EventSubscription::put(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (is_dropped_) return true;  // told before
  is_dropped_ = waiting_count_ == limits::kEventQueueMax;
  if (!is_dropped_) {
    ++waiting_count_;
    waiting_ += text;
  }
  if (wake_) wake_();
  return !is_dropped_;
}

std::shared_ptr<EventSubscription> EventHub::subscribe() {
  const std::lock_guard lock(mutex_);
  std::erase_if(subscriptions_, [](const auto& one) { return one.expired(); });
  if (subscriptions_.size() == limits::kEventSubscribersMax) {
    counters_.add(Counter::EventSubscribersDropped);
    return nullptr;
  }
  counters_.add(Counter::EventSubscribers);
  auto subscription = std::make_shared<EventSubscription>();
  subscriptions_.push_back(subscription);
  return subscription;
}

void EventHub::publish(std::string_view type, const boost::json::object& data) {
  const std::lock_guard lock(mutex_);
  ++last_id_;
  if (subscriptions_.empty()) return;  // mostly nobody listens, and a datacenter that goes changes thousands
  const auto text =
      fmt::format("id: {}\nevent: {}\ndata: {}\n\n", last_id_, type, boost::json::serialize(data));
  for (const auto& weak : subscriptions_) {
    const auto subscription = weak.lock();
    if (!subscription) continue;
    counters_.add(subscription->put(text) ? Counter::EventsSent : Counter::EventSubscribersDropped);
  }
}

}  // namespace meridian::http

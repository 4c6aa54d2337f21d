// Events for those who listen at GET /v1/events: changes of health, of the map and of overrides, and
// reloads that failed.
//
// Thread-safe; publish() never waits. Each listener has a bounded queue, and who is too slow is let go, since
// a gap would not be seen.
#pragma once

#include "stats/counters.hpp"

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::http {

/// One listener's end. Ending it, by letting go of it, ends the subscription.
class EventSubscription {
 public:
  /// `wake` is called on any thread when there is something to take; it must not call back.
  void set_wake(std::function<void()> wake);
  /// All that waits, in the text form of server-sent events; nullopt: the listener was too slow.
  [[nodiscard]] std::optional<std::string> take();

 private:
  friend class EventHub;
  /// False: it is full.
  bool put(const std::string& text);

  std::mutex mutex_;
  std::function<void()> wake_;
  std::string waiting_;
  std::size_t waiting_count_ = 0;
  bool is_dropped_ = false;
};

class EventHub {
 public:
  /// `counters` is a block that only this object adds to.
  explicit EventHub(stats::Counters& counters) : counters_(counters) {}
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  /// nullptr: too many listen already.
  [[nodiscard]] std::shared_ptr<EventSubscription> subscribe();

  /// `type`: "health", "map", "override", "reload_failed".
  void publish(std::string_view type, const boost::json::object& data);

 private:
  stats::Counters& counters_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<EventSubscription>> subscriptions_;
  std::uint64_t last_id_ = 0;
};

}  // namespace meridian::http

#include "http/event_hub.hpp"

#include "base/limits.hpp"

#include <doctest/doctest.h>

namespace meridian::http {
namespace {

using stats::Counter;

struct Fixture {
  stats::CounterRegistry counters;
  EventHub hub{counters.register_block()};
};

}  // namespace

TEST_SUITE("http/event_hub") {
  TEST_CASE("every listener gets every event once, in order, as server-sent events") {
    Fixture fixture;
    const auto first = fixture.hub.subscribe();
    fixture.hub.publish("map", {{"epoch", 2}});
    const auto second = fixture.hub.subscribe();
    int woken = 0;
    second->set_wake([&] { ++woken; });
    fixture.hub.publish("override", {{"target", "ams"}});
    CHECK(first->take() ==
          "id: 1\nevent: map\ndata: {\"epoch\":2}\n\nid: 2\nevent: override\ndata: {\"target\":\"ams\"}\n\n");
    CHECK(second->take() == "id: 2\nevent: override\ndata: {\"target\":\"ams\"}\n\n");
    CHECK(first->take() == "");
    CHECK(woken == 1);
    CHECK(fixture.counters.total(Counter::EventsSent) == 3);
  }

  TEST_CASE("a listener that takes nothing is let go, and told so, and the others are not") {
    Fixture fixture;
    const auto slow = fixture.hub.subscribe();
    const auto quick = fixture.hub.subscribe();
    for (std::size_t i = 0; i < base::limits::kEventQueueMax + 5; ++i) {
      fixture.hub.publish("map", {});
      CHECK(quick->take().has_value());
    }
    CHECK_FALSE(slow->take().has_value());
    CHECK(fixture.counters.total(Counter::EventSubscribersDropped) == 1);
  }

  TEST_CASE("there is room for so many, and for another one when one has gone") {
    Fixture fixture;
    std::vector<std::shared_ptr<EventSubscription>> all;
    for (std::size_t i = 0; i < base::limits::kEventSubscribersMax; ++i)
      all.push_back(fixture.hub.subscribe());
    CHECK(fixture.hub.subscribe() == nullptr);
    all.pop_back();
    CHECK(fixture.hub.subscribe() != nullptr);
  }
}

}  // namespace meridian::http

#include "querylog/dnstap_sink.hpp"

#include "support/manual_clock.hpp"
#include "unit/querylog/collector.hpp"
#include "unit/querylog/records.hpp"

#include <doctest/doctest.h>

#include <thread>

namespace meridian::querylog {
namespace {

using stats::Counter;
using test::Collector;

struct Fixture {
  test::Folder folder;
  std::string path = folder.file("tap.sock");
  test::ManualClock clock;
  stats::Counters counters;
  test::Bytes bytes = test::record_of(test::some_facts(), test::steered_summary(), {1, 2}, {3, 4});

  void put(DnstapSink& sink, int frames) const {
    for (int i = 0; i < frames; ++i) sink.put(read_record(bytes));
  }
  std::uint64_t sent() const { return counters.value(Counter::DnstapFrames); }
  std::uint64_t dropped() const { return counters.value(Counter::DnstapDropped); }
};

TEST_SUITE_BEGIN("querylog/dnstap_sink");

TEST_CASE_FIXTURE(Fixture, "every record is a frame, in batches") {
  Collector collector(path);
  std::thread peer([&] {
    collector.accept();
    CHECK(collector.shake_hands() == Collector::kContentType);
    for (int i = 0; i < 150; ++i) CHECK(collector.read_frame().size() > 100);
    collector.say_goodbye();
  });
  {
    DnstapSink sink(path, {"ams1", "meridian 9.9"}, clock, counters);
    sink.open();
    put(sink, 150);
    CHECK(sent() == 2 * base::limits::kDnstapBatch);
    sink.flush();
    CHECK(sent() == 150);
  }
  CHECK(dropped() == 0);
  peer.join();
}

TEST_CASE_FIXTURE(Fixture, "without a collector records are counted, and it is looked for with pauses") {
  DnstapSink sink(path, {}, clock, counters);
  sink.open();
  put(sink, 5);
  sink.flush();
  CHECK(dropped() == 5);

  Collector collector(path);
  std::thread peer([&] {
    collector.accept();
    collector.shake_hands();
    CHECK_FALSE(collector.read_frame().empty());
    collector.hang_up();
  });
  sink.flush();  // too soon
  put(sink, 1);
  CHECK(dropped() == 6);
  clock.pass(std::chrono::milliseconds{base::limits::kRecordRetryMinMs});
  sink.flush();
  put(sink, 1);
  sink.flush();
  CHECK(sent() == 1);
  CHECK(dropped() == 6);
  peer.join();

  // It has gone: what is sent now is lost and counted, once.
  put(sink, 3);
  sink.flush();
  put(sink, 2);
  CHECK(sent() == 1);
  CHECK(dropped() == 11);
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::querylog

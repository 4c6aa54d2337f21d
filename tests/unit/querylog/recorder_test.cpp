#include "querylog/recorder.hpp"

#include "unit/querylog/collector.hpp"
#include "unit/querylog/records.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <thread>

namespace meridian::querylog {
namespace {

using stats::Counter;

struct Fixture {
  test::Folder folder;
  base::SystemClock clock;
  stats::CounterRegistry registry;
  Recorder recorder{"9.9", clock, registry};
  query::Snapshot snapshot = test::small_snapshot();
  test::Bytes query = test::build_query("www.example.com", dns::Rtype::A);
  test::Bytes reply = test::Bytes(100, 5);

  void answer(Tap& tap, int queries) {
    const net::Exchange exchange{.peer = {.address = *base::parse_ip_address("192.0.2.1"), .port = 53},
                                 .query = query,
                                 .reply = reply,
                                 .reply_bytes = reply.size()};
    for (int i = 0; i < queries; ++i) {
      if (tap.begin_batch(1)) tap.note(exchange, snapshot, test::steered_summary());
    }
  }

  config::Site site_with_log(const char* file) const {
    config::Site site;
    site.query_log = config::QueryLog{folder.file(file), 1};
    return site;
  }

  std::ptrdiff_t lines(const char* file) const {
    const auto text = test::read_text(folder.file(file));
    return std::count(text.begin(), text.end(), '\n');
  }
};

TEST_SUITE_BEGIN("querylog/recorder");

TEST_CASE_FIXTURE(Fixture, "a worker's queries are in the file when the recorder has stopped") {
  const auto tap = recorder.make_tap(registry.register_block(), 1);
  answer(*tap, 5);  // nobody asked yet
  recorder.configure(site_with_log("q.log"));
  answer(*tap, 7);
  const auto late = recorder.make_tap(registry.register_block(), 2);
  answer(*late, 3);
  recorder.stop();
  CHECK(lines("q.log") == 10);
  CHECK(registry.total(Counter::QueryLogLines) == 10);
}

TEST_CASE_FIXTURE(Fixture, "a configure with nothing new opens the file again, as logrotate needs") {
  const auto tap = recorder.make_tap(registry.register_block(), 1);
  recorder.configure(site_with_log("q.log"));
  answer(*tap, 2);
  std::filesystem::rename(folder.file("q.log"), folder.file("q.log.1"));
  recorder.configure(site_with_log("q.log"));
  answer(*tap, 3);
  recorder.stop();
  CHECK(lines("q.log.1") == 2);
  CHECK(lines("q.log") == 3);
}

TEST_CASE_FIXTURE(Fixture, "what was switched off is not recorded, and can be switched on again") {
  const auto tap = recorder.make_tap(registry.register_block(), 1);
  recorder.configure(site_with_log("q.log"));
  answer(*tap, 1);
  recorder.configure({});
  answer(*tap, 100);
  recorder.configure(site_with_log("q.log"));
  answer(*tap, 2);
  recorder.stop();
  CHECK(lines("q.log") == 3);
  CHECK(registry.total(Counter::QueryLogFailed) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a dnstap connection outlives a configure with nothing new") {
  test::Collector collector(folder.file("tap.sock"));
  std::thread peer([&] {
    collector.accept();
    collector.shake_hands();
    CHECK_FALSE(collector.read_frame().empty());
    CHECK_FALSE(collector.read_frame().empty());
    collector.say_goodbye();
  });
  const auto tap = recorder.make_tap(registry.register_block(), 1);
  config::Site site;
  site.dnstap = config::Dnstap{{folder.file("tap.sock"), {}}, 1};
  recorder.configure(site);
  answer(*tap, 1);
  recorder.configure(site);
  answer(*tap, 1);
  recorder.stop();
  peer.join();
  CHECK(registry.total(Counter::DnstapFrames) == 2);
  CHECK(registry.total(Counter::DnstapDropped) == 0);
}

TEST_CASE_FIXTURE(Fixture, "demand is counted while it is on, from worker to book") {
  const auto tap = recorder.make_tap(registry.register_block(), 1);
  answer(*tap, 3);
  config::Site site;
  site.demand_sample = 1;
  recorder.configure(site);
  answer(*tap, 5);
  recorder.configure(site);  // a reload with nothing new
  const auto late = recorder.make_tap(registry.register_block(), 2);
  answer(*late, 2);
  recorder.stop();
  const auto report = recorder.demand().report();
  REQUIRE(report);
  CHECK(report->networks == std::vector<CountedNetwork>{{*base::parse_ip_prefix("192.0.2.0/24"), 7, 0}});
  CHECK(registry.total(Counter::DemandQueries) == 7);
}

TEST_CASE_FIXTURE(Fixture, "demand that is switched off forgets, also what waits in rings") {
  const auto tap = recorder.make_tap(registry.register_block(), 1);
  config::Site site;
  site.demand_sample = 1;
  recorder.configure(site);
  answer(*tap, 5);
  recorder.configure({});
  CHECK_FALSE(recorder.demand().totals());
  answer(*tap, 5);
  recorder.configure(site);
  answer(*tap, 2);
  recorder.stop();
  CHECK(recorder.demand().totals()->queries == 2);
}

TEST_CASE_FIXTURE(Fixture, "workers go on while the recorder is configured again and again") {
  std::vector<std::thread> workers;
  for (int i = 0; i < 3; ++i) {
    auto& block = registry.register_block();
    workers.emplace_back([this, &block, tap = recorder.make_tap(block, static_cast<std::uint64_t>(i))] {
      answer(*tap, 20'000);
    });
  }
  for (int i = 0; i < 20; ++i) {
    recorder.configure(i % 3 == 2 ? config::Site{} : site_with_log(i % 2 == 0 ? "a.log" : "b.log"));
  }
  recorder.configure(site_with_log("a.log"));
  for (auto& worker : workers) worker.join();
  recorder.stop();
  CHECK(lines("a.log") + lines("b.log") ==
        static_cast<std::ptrdiff_t>(registry.total(Counter::QueryLogLines)));
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::querylog

#include "querylog/tap.hpp"

#include "support/manual_clock.hpp"
#include "unit/querylog/records.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

namespace meridian::querylog {
namespace {

using stats::Counter;
using test::Bytes;

/// A worker and what it answers.
struct Fixture {
  test::ManualClock clock;
  stats::Counters counters;
  Tap tap{clock, counters, 1};
  query::Snapshot snapshot = test::small_snapshot();
  Bytes query = test::build_query("www.example.com", dns::Rtype::A);
  Bytes reply = Bytes(100, 5);

  net::Exchange exchange() {
    return {.peer = {.address = *base::parse_ip_address("192.0.2.1"), .port = 53, .tcp = false},
            .query = query,
            .reply = reply,
            .reply_bytes = reply.size()};
  }

  /// True when the batch was noted.
  bool batch(std::size_t queries) {
    if (!tap.begin_batch(queries)) return false;
    clock.pass(std::chrono::microseconds(3));
    for (std::size_t i = 0; i < queries; ++i) tap.note(exchange(), snapshot, test::steered_summary());
    return true;
  }
};

std::size_t take_all(Ring& ring) {
  std::size_t count = 0;
  for (; !ring.front().empty(); ring.pop()) ++count;
  return count;
}

TEST_SUITE_BEGIN("querylog/tap");

TEST_CASE_FIXTURE(Fixture, "nothing is noted until somebody asks") {
  for (int i = 0; i < 1'000; ++i) CHECK_FALSE(batch(32));
}

TEST_CASE_FIXTURE(Fixture, "a sample of 1 is every query, from the next batch on") {
  const auto ring = tap.set_sample(Lane::QueryLog, 1);
  REQUIRE(ring != nullptr);
  for (int i = 0; i < 10; ++i) CHECK(batch(32));
  CHECK(take_all(*ring) == 320);
  CHECK(tap.set_sample(Lane::QueryLog, 2) == nullptr);  // the ring stays
  CHECK(tap.set_sample(Lane::QueryLog, 0) == nullptr);
  batch(32);  // takes the change in
  for (int i = 0; i < 10; ++i) CHECK_FALSE(batch(32));
  CHECK(take_all(*ring) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a record says when, who, what and why") {
  const auto ring = tap.set_sample(Lane::Dnstap, 1);
  CHECK(batch(1));
  const auto record = read_record(ring->front());
  CHECK(record.facts.received_ns == 1'767'229'200'000'000'000);
  CHECK(record.facts.took_ns == 3'000);
  CHECK(record.facts.epoch == 7);
  CHECK(record.facts.sample == 1);
  CHECK(record.facts.answer_bytes == 100);
  CHECK(record.facts.client == *base::parse_ip_address("192.0.2.1"));
  CHECK(record.facts.port == 53);
  CHECK(record.datacenter == "fra");
  CHECK(Bytes(record.query.begin(), record.query.end()) == query);
  CHECK(Bytes(record.answer.begin(), record.answer.end()) == reply);
}

TEST_CASE_FIXTURE(Fixture, "only dnstap copies the answer") {
  const auto log = tap.set_sample(Lane::QueryLog, 1);
  const auto dnstap = tap.set_sample(Lane::Dnstap, 1);
  batch(1);
  CHECK(read_record(log->front()).answer.empty());
  CHECK(read_record(log->front()).facts.answer_bytes == 100);
  CHECK(read_record(dnstap->front()).answer.size() == 100);
}

TEST_CASE_FIXTURE(Fixture, "a full ring drops and counts, for its own lane only") {
  const auto log = tap.set_sample(Lane::QueryLog, 1);
  const auto dnstap = tap.set_sample(Lane::Dnstap, 1);
  constexpr std::size_t kQueries = 64'000;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < kQueries; i += 32) {
    batch(32);
    kept += take_all(*log);
  }
  CHECK(kept == kQueries);
  CHECK(counters.value(Counter::QueryLogDropped) == 0);
  const auto waiting = take_all(*dnstap);
  CHECK(waiting > 2'000);
  CHECK(counters.value(Counter::DnstapDropped) == kQueries - waiting);
}

TEST_CASE_FIXTURE(Fixture, "the lanes sample each for itself") {
  const auto log = tap.set_sample(Lane::QueryLog, 10);
  const auto dnstap = tap.set_sample(Lane::Dnstap, 1'000);
  std::size_t logged = 0;
  std::size_t tapped = 0;
  for (int i = 0; i < 40'000; ++i) {
    batch(5);
    logged += take_all(*log);
    tapped += take_all(*dnstap);
  }
  // 200,000 queries; the distance's variance is sample² / 3, so 1 % is more than 10 deviations here.
  CHECK(logged == doctest::Approx(20'000).epsilon(0.02));
  CHECK(tapped == doctest::Approx(200).epsilon(0.25));
}

TEST_CASE_FIXTURE(Fixture, "demand takes only what steered somebody, and of it who that was") {
  const auto ring = tap.set_sample(Lane::Demand, 1);
  struct Row {
    const char* why;
    query::Summary summary;
    std::size_t reply_bytes;
    bool is_taken;
  };
  auto truncated = test::steered_summary();
  truncated.is_truncated = true;
  auto by_source = test::steered_summary();
  by_source.by_client_subnet = false;
  auto nodata = test::steered_summary();
  nodata.kind = query::AnswerKind::NoData;
  const Row rows[] = {
      {"by its client subnet", test::steered_summary(), 100, true},
      {"by its source", by_source, 100, true},
      {"asks again over TCP", truncated, 100, false},
      {"rate limiting dropped the answer", test::steered_summary(), 0, false},
      {"no address for it", nodata, 100, false},
      {"a static name", {.kind = query::AnswerKind::Static}, 100, false},
      {"nonsense", {}, 0, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    REQUIRE(tap.begin_batch(1));
    auto one = exchange();
    one.reply_bytes = row.reply_bytes;
    tap.note(one, snapshot, row.summary);
    REQUIRE(ring->front().empty() != row.is_taken);
    if (!row.is_taken) continue;
    const auto record = read_record(ring->front());
    CHECK(record.facts.client == one.peer.address);
    CHECK(record.facts.by_client_subnet == row.summary.by_client_subnet);
    CHECK(record.query.empty() != row.summary.by_client_subnet);
    CHECK(record.service.empty());
    CHECK(record.answer.empty());
    ring->pop();
  }
}

TEST_CASE_FIXTURE(Fixture, "what demand samples, times its sample, is what came") {
  // Three clients that come in a rhythm: 1, 10 and 100 of 111 queries.
  const auto ring = tap.set_sample(Lane::Demand, 16);
  const std::array<double, 3> came{20'000, 200'000, 2'000'000};
  std::array<double, 3> counted{};
  auto summary = test::steered_summary();
  summary.by_client_subnet = false;
  for (int i = 0; i < 20'000; ++i) {
    static_cast<void>(tap.begin_batch(111));
    for (std::uint32_t j = 0; j < 111; ++j) {
      const std::uint32_t who = j == 0 ? 0 : j <= 10 ? 1 : 2;
      auto one = exchange();
      one.peer.address = base::IpAddress::v4(who);
      tap.note(one, snapshot, summary);
    }
    for (; !ring->front().empty(); ring->pop()) {
      const auto record = read_record(ring->front());
      counted.at(record.facts.client.v4_word()) += record.facts.sample;
    }
  }
  // A count of n is off by √(16 n) or less; four of these.
  for (std::size_t who = 0; who < came.size(); ++who) {
    CAPTURE(who);
    CHECK(std::abs(counted.at(who) - came.at(who)) < 4 * std::sqrt(16 * came.at(who)));
  }
}

TEST_CASE_FIXTURE(Fixture, "a ring that is full of demand drops and counts") {
  const auto ring = tap.set_sample(Lane::Demand, 1);
  for (int i = 0; i < 1'000; ++i) batch(32);
  const auto waiting = take_all(*ring);
  CHECK(waiting > 3'000);
  CHECK(counters.value(Counter::DemandDropped) == 32'000 - waiting);
}

/// Counts who looks at it.
class WatchedClock final : public base::Clock {
 public:
  [[nodiscard]] base::MonotonicTime monotonic() const noexcept override {
    ++looks;
    return {};
  }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const noexcept override {
    ++looks;
    return {};
  }
  mutable int looks = 0;
};

TEST_CASE_FIXTURE(Fixture, "nobody looks at a clock for demand alone") {
  const WatchedClock watched;
  Tap own(watched, counters, 1);
  const auto take = [&] {
    REQUIRE(own.begin_batch(1));
    own.note(exchange(), snapshot, test::steered_summary());
  };
  const auto demand = own.set_sample(Lane::Demand, 1);
  take();
  CHECK_FALSE(demand->front().empty());
  CHECK(watched.looks == 0);
  const auto log = own.set_sample(Lane::QueryLog, 1);
  take();
  CHECK_FALSE(log->front().empty());
  CHECK(watched.looks == 3);
}

TEST_CASE("the distance between samples is their mean, and each distance is as likely as the next") {
  base::Random random(7);
  constexpr std::uint32_t kSample = 8;
  constexpr int kDraws = 150'000;
  std::array<int, 2 * kSample> seen{};
  for (int i = 0; i < kDraws; ++i) ++seen.at(draw_gap(kSample, random));
  CHECK(seen[0] == 0);
  for (std::size_t gap = 1; gap < seen.size(); ++gap)
    CHECK(seen[gap] == doctest::Approx(10'000).epsilon(0.06));
  for (int i = 0; i < 100; ++i) CHECK(draw_gap(1, random) == 1);
  for (int i = 0; i < 100; ++i) {
    CHECK(draw_gap(base::limits::kQuerySampleMax, random) < 2ull * base::limits::kQuerySampleMax);
  }
}

TEST_CASE_FIXTURE(Fixture, "a pattern among the queries does not bend the sample") {
  // Every tenth query is over TCP, in step with a sample of 10: a fixed stride would see all of them or none.
  const auto ring = tap.set_sample(Lane::QueryLog, 10);
  int sampled = 0;
  int over_tcp = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (!tap.begin_batch(10)) continue;
    for (int j = 0; j < 10; ++j) {
      auto one = exchange();
      one.peer.tcp = j == 0;
      tap.note(one, snapshot, {});
    }
    for (; !ring->front().empty(); ring->pop()) {
      ++sampled;
      if (read_record(ring->front()).facts.is_tcp) ++over_tcp;
    }
  }
  CHECK(sampled == doctest::Approx(20'000).epsilon(0.03));
  CHECK(over_tcp == doctest::Approx(2'000).epsilon(0.1));
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::querylog

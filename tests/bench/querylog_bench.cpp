// What the query log, dnstap and demand cost a worker, a query: nothing wanted, one in 1,000 or 16, every
// one. The batch is not answered, so the figures are the cost alone. And what a writer thread needs for a
// line, for a frame, and to count a query.
#include "querylog/dnstap_frame.hpp"
#include "querylog/line.hpp"
#include "querylog/tap.hpp"
#include "stats/heavy_hitters.hpp"
#include "unit/querylog/records.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace {

using namespace meridian;
using querylog::Lane;

struct Worker {
  base::SystemClock clock;
  stats::Counters counters;
  querylog::Tap tap{clock, counters, 1};
  query::Snapshot snapshot = test::small_snapshot();
  query::Summary summary = test::steered_summary();
  test::Bytes query = test::build_query("www.example.com", dns::Rtype::A,
                                        {.client_subnet = *base::parse_ip_prefix("203.0.113.0/24")});
  test::Bytes reply = test::Bytes(90, 5);
  std::array<net::Exchange, base::limits::kUdpBatch> batch{};

  Worker() {
    for (auto& exchange : batch) {
      exchange = {.peer = {.address = *base::parse_ip_address("192.0.2.1"), .port = 53},
                  .query = query,
                  .reply = reply,
                  .reply_bytes = reply.size()};
    }
  }

  void take_batch() {
    const bool is_noted = tap.begin_batch(batch.size());
    for (auto& exchange : batch) {
      benchmark::DoNotOptimize(&exchange);
      if (is_noted) tap.note(exchange, snapshot, summary);
    }
  }
};

void drain(querylog::Ring& ring) {
  for (; !ring.front().empty(); ring.pop()) {
  }
}

/// Items are queries.
void count_queries(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(base::limits::kUdpBatch));
}

void batch_without_a_tap(benchmark::State& state) {
  Worker worker;
  for (auto _ : state) {
    for (auto& exchange : worker.batch) benchmark::DoNotOptimize(&exchange);
  }
  count_queries(state);
}

void batch_with_nothing_wanted(benchmark::State& state) {
  Worker worker;
  for (auto _ : state) worker.take_batch();
  count_queries(state);
}

void sampled_batch(benchmark::State& state, Lane lane) {
  Worker worker;
  const auto ring = worker.tap.set_sample(lane, static_cast<std::uint32_t>(state.range(0)));
  std::size_t batches = 0;
  for (auto _ : state) {
    worker.take_batch();
    if (++batches % 64 != 0) continue;
    state.PauseTiming();
    drain(*ring);
    state.ResumeTiming();
  }
  count_queries(state);
}

void batch_for_the_query_log(benchmark::State& state) { sampled_batch(state, Lane::QueryLog); }
void batch_for_dnstap(benchmark::State& state) { sampled_batch(state, Lane::Dnstap); }
void batch_for_demand(benchmark::State& state) { sampled_batch(state, Lane::Demand); }

querylog::Record some_record(const Worker& worker, test::Bytes& bytes) {
  bytes = test::record_of(test::some_facts(), worker.summary, worker.query, worker.reply);
  return querylog::read_record(bytes);
}

void write_a_line(benchmark::State& state) {
  const Worker worker;
  test::Bytes bytes;
  const auto record = some_record(worker, bytes);
  std::string lines;
  for (auto _ : state) {
    lines.clear();
    querylog::append_line(lines, record);
    benchmark::DoNotOptimize(lines.data());
  }
}

void write_a_frame(benchmark::State& state) {
  const Worker worker;
  test::Bytes bytes;
  const auto record = some_record(worker, bytes);
  const querylog::DnstapSender sender{"ams1", "meridian 0.1.0"};
  std::vector<std::uint8_t> frames;
  for (auto _ : state) {
    frames.clear();
    querylog::append_dnstap_frame(frames, record, sender);
    benchmark::DoNotOptimize(frames.data());
  }
}

/// One more query, of 4 million networks that are asked for as often as Zipf says: most take another's place.
void count_for_demand(benchmark::State& state) {
  stats::HeavyHitters counts(base::limits::kDemandCountedMax, 1);
  base::Random random(7);
  for (auto _ : state) {
    const double even = static_cast<double>(random.below(1u << 31) + 1) / (1u << 31);
    counts.add(static_cast<std::uint64_t>(std::pow(4e6, even)), 16);
  }
}

BENCHMARK(batch_without_a_tap);
BENCHMARK(batch_with_nothing_wanted);
BENCHMARK(batch_for_the_query_log)->Arg(1'000)->Arg(1);
BENCHMARK(batch_for_dnstap)->Arg(1'000)->Arg(1);
BENCHMARK(batch_for_demand)->Arg(1'000)->Arg(16)->Arg(1);
BENCHMARK(count_for_demand);
BENCHMARK(write_a_line);
BENCHMARK(write_a_frame);

}  // namespace

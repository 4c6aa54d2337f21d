// The hot path: parse a query, find its leaf, answer it whole. The map is the three-datacenters example on
// the shipped country database.
#include "base/random.hpp"
#include "config/compile/compile.hpp"
#include "dns/query.hpp"
#include "query/answer.hpp"
#include "query/answerer.hpp"
#include "support/packet_builder.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace meridian;

const compile::Compiled& compiled() {
  static const auto made = [] {
    const compile::Sources sources{MERIDIAN_SOURCE_DIR "/config/examples/three-datacenters/map",
                                   {},
                                   MERIDIAN_BINARY_DIR "/share/meridian"};
    auto result = compile::load_and_compile(sources, 1, {});
    if (!result) {
      std::fputs(result.error().to_text().c_str(), stderr);
      std::abort();
    }
    return std::move(*result);
  }();
  return made;
}

base::IpPrefix random_subnet(base::Random& random) {
  for (;;) {
    const auto address = base::IpAddress::v4(static_cast<std::uint32_t>(random.next()) & 0xffff'ff00);
    const auto top = address.bytes[0];
    if (top > 0 && top < 224 && !base::is_private(address)) return {address, 24};
  }
}

/// `count` queries of one kind, so that neither caches nor branches learn one client by heart.
std::vector<test::Bytes> packets(const char* name, dns::Rtype type, std::size_t count, bool with_subnet) {
  base::Random random(1);
  std::vector<test::Bytes> made;
  for (std::size_t i = 0; i < count; ++i) {
    test::QuerySpec spec;
    spec.udp_size = 1232;
    if (with_subnet) spec.client_subnet = random_subnet(random);
    made.push_back(test::build_query(name, type, spec));
  }
  return made;
}

void parse_query(benchmark::State& state) {
  const auto queries = packets("www.example.com", dns::Rtype::A, 1, state.range(0) != 0);
  for (auto _ : state) benchmark::DoNotOptimize(dns::parse_query(queries[0]));
}
BENCHMARK(parse_query)->ArgName("client_subnet")->Arg(0)->Arg(1);

void lookup_zone(benchmark::State& state) {
  const auto& zones = compiled().snapshot->zones;
  dns::Name name = *dns::Name::parse("www.example.com");
  for (auto _ : state) {
    const zone::HashedName hashed(name);
    benchmark::DoNotOptimize(zones.find(hashed, dns::Rtype::A)->lookup(hashed, dns::Rtype::A));
  }
}
BENCHMARK(lookup_zone);

void lookup_map_warm(benchmark::State& state) {
  const auto& map = compiled().snapshot->maps[0];
  const auto address = base::IpAddress::v4(0x5102'45a0);
  for (auto _ : state) benchmark::DoNotOptimize(map.v4.lookup(address));
}
BENCHMARK(lookup_map_warm);

void lookup_map_random(benchmark::State& state) {
  const auto& map = compiled().snapshot->maps[0];
  base::Random random(7);
  std::vector<base::IpAddress> addresses;
  for (int i = 0; i < 1'000'000; ++i) addresses.push_back(random_subnet(random).address);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(map.v4.lookup(addresses[i]));
    if (++i == addresses.size()) i = 0;
  }
}
BENCHMARK(lookup_map_random);

void answer(benchmark::State& state, const char* name, dns::Rtype type, std::size_t count, bool with_subnet) {
  const auto& snapshot = *compiled().snapshot;
  const query::Tables tables(snapshot);
  stats::Counters counters;
  query::Worker worker{.counters = counters, .random = base::Random(1)};
  const auto queries = packets(name, type, count, with_subnet);
  std::vector<std::uint8_t> reply(base::limits::kUdpAnswerBytesMax);
  const query::Source source{base::IpAddress::v4(0x0808'0808), false};
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(query::answer_query(snapshot, tables, source, queries[i], reply, worker));
    if (++i == queries.size()) i = 0;
  }
}
BENCHMARK_CAPTURE(answer, steered_one_subnet, "www.example.com", dns::Rtype::A, 1, true);
BENCHMARK_CAPTURE(answer, steered_100000_subnets, "www.example.com", dns::Rtype::A, 100'000, true);
BENCHMARK_CAPTURE(answer, steered_no_subnet, "www.example.com", dns::Rtype::A, 1, false);
BENCHMARK_CAPTURE(answer, steered_wildcard, "x.cdn.example.com", dns::Rtype::A, 100'000, true);
BENCHMARK_CAPTURE(answer, cname_to_steered, "shop.example.com", dns::Rtype::A, 100'000, true);
BENCHMARK_CAPTURE(answer, static_name, "static.example.com", dns::Rtype::A, 1, false);
BENCHMARK_CAPTURE(answer, nxdomain, "none.example.com", dns::Rtype::A, 1, false);
BENCHMARK_CAPTURE(answer, referral, "x.lab.example.com", dns::Rtype::A, 1, false);
BENCHMARK_CAPTURE(answer, refused, "www.example.org", dns::Rtype::A, 1, false);

/// As a UDP worker does: full batches, and answers that it keeps.
void answer_kept(benchmark::State& state, const char* name, dns::Rtype type, std::size_t count,
                 bool with_subnet) {
  constexpr std::size_t kBatch = base::limits::kUdpBatch;
  const auto& snapshot = *compiled().snapshot;
  const query::Tables tables(snapshot);
  stats::Counters counters;
  query::Answerer answerer(counters, 1);
  const auto queries = packets(name, type, count / kBatch * kBatch, with_subnet);
  std::vector<std::uint8_t> replies(kBatch * base::limits::kUdpAnswerBytesMax);
  const query::Source source{base::IpAddress::v4(0x0808'0808), false};
  std::size_t first = 0;
  while (state.KeepRunningBatch(kBatch)) {
    answerer.begin_batch(snapshot, tables, 1, {}, false);
    for (std::size_t i = 0; i < kBatch; ++i) answerer.look(i, source, queries[first + i]);
    answerer.find(kBatch);
    for (std::size_t i = 0; i < kBatch; ++i) {
      const auto reply =
          std::span{replies}.subspan(i * base::limits::kUdpAnswerBytesMax, base::limits::kUdpAnswerBytesMax);
      auto size = answerer.answer_kept(i, reply);
      if (!size) {
        answerer.read(i);
        size = answerer.answer_anew(i, reply);
      }
      benchmark::DoNotOptimize(*size);
    }
    first += kBatch;
    if (first == queries.size()) first = 0;
  }
}
BENCHMARK_CAPTURE(answer_kept, steered_100000_subnets, "www.example.com", dns::Rtype::A, 100'000, true);
BENCHMARK_CAPTURE(answer_kept, steered_no_subnet, "www.example.com", dns::Rtype::A, 32, false);
BENCHMARK_CAPTURE(answer_kept, static_name, "static.example.com", dns::Rtype::A, 32, false);

void compile_map(benchmark::State& state) {
  const compile::Sources sources{MERIDIAN_SOURCE_DIR "/config/examples/three-datacenters/map",
                                 {},
                                 MERIDIAN_BINARY_DIR "/share/meridian"};
  for (auto _ : state) benchmark::DoNotOptimize(compile::load_and_compile(sources, 1, {}));
}
BENCHMARK(compile_map)->Unit(benchmark::kMillisecond);

}  // namespace

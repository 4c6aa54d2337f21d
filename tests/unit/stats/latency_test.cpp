#include "stats/latency.hpp"

#include <doctest/doctest.h>

#include <numeric>

namespace meridian::stats {

using namespace std::chrono_literals;

TEST_SUITE("stats/latency") {
  TEST_CASE("each answer of a batch counts as the batch's mean, in the first bucket that holds it") {
    LatencyRegistry registry;
    auto& first = registry.register_block();
    auto& second = registry.register_block();
    first.add(1'000ns, 10);  // 100 ns each: the bound belongs to its bucket
    first.add(1'010ns, 10);  // 101 ns each
    second.add(3s, 3);
    const auto totals = registry.totals();
    CHECK(totals.counts[0] == 10);
    CHECK(totals.counts[1] == 10);
    CHECK(totals.counts.back() == 3);
    CHECK(std::accumulate(totals.counts.begin(), totals.counts.end(), std::uint64_t{0}) == 23);
    CHECK(totals.sum_ns == 3'000'002'010);
  }

  TEST_CASE("the bounds grow") {
    for (std::size_t i = 1; i < kLatencyBounds.size(); ++i) CHECK(kLatencyBounds[i - 1] < kLatencyBounds[i]);
  }
}

}  // namespace meridian::stats

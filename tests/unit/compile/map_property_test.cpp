// The compiled map against brute force: random small worlds, every address of them.
#include "config/compile/map_compiler.hpp"

#include "base/random.hpp"
#include "config/compile/decider.hpp"
#include "query/locate.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <string>
#include <vector>

namespace meridian::compile {
namespace {

constexpr const char* kCountries[] = {"DE", "FR", "GB", "US", "CA", "JP", "SG", "BR"};
constexpr const char* kSubdivisions[] = {"CA", "NY", "TX"};
constexpr const char* kCities[] = {"Troy", "Ürban", "Saint-Elsewhere"};

/// The world: the first 10 bits of 96.0.0.0/3 (IPv4) and of 2001:8000::/20 (IPv6) vary; every address of one
/// block of 2^(width − 10) is the same, so that 1 024 addresses stand for all of them.
base::IpAddress address_of(base::Family family, std::uint32_t index) {
  if (family == base::Family::V4) return base::IpAddress::v4(0x6000'0000u | index << 12);
  std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x80};
  bytes[2] = static_cast<std::uint8_t>(0x80 | (index >> 6 & 0x0f));
  bytes[3] = static_cast<std::uint8_t>(index << 2);
  return base::IpAddress::v6(bytes);
}

base::IpPrefix block_of(base::Family family, base::Random& random) {
  const std::uint8_t top = family == base::Family::V4 ? 10 : 20;
  const auto bits = static_cast<std::uint8_t>(top + random.below(11));
  return {base::masked(address_of(family, random.below(1'024)), bits), bits};
}

bool names_networks(const std::string& place) {
  return place.find('/') != std::string::npos || place.starts_with("file:") || place == "feeds" ||
         place == "inland";
}

std::string random_rules(base::Random& random, const std::string& name) {
  static const std::vector<std::string> kPreferences{
      "prefer: [ams]",   "prefer: [iad, sin]", "prefer: [{sin: 70, iad: 30}]", "only: [sin]",
      "prefer: nearest", "only: []",           "prefer: {nearest: 1}"};
  std::set<std::string> places;
  for (int i = 0; i < 6; ++i) {
    switch (random.below(8)) {
      case 0:
        places.insert(kCountries[random.below(8)]);
        break;
      case 1:
        places.insert(fmt::format("US-{}", kSubdivisions[random.below(3)]));
        break;
      case 2:
        places.insert("inland");
        break;
      case 3:
        places.insert(
            fmt::format("city:{}/{}", random.below(2) == 0 ? "US" : "US-NY", kCities[random.below(3)]));
        break;
      case 4:
        places.insert(fmt::format("geoname:{}", 1 + random.below(4)));
        break;
      case 5:
        places.insert(random.below(2) == 0 ? "file:a.nets" : "feeds");
        break;
      default:
        places.insert(
            base::to_string(block_of(random.below(2) == 0 ? base::Family::V4 : base::Family::V6, random)));
    }
  }
  // Maps that name no network are compiled together.
  if (random.below(2) == 0) std::erase_if(places, names_networks);
  if (random.below(2) == 0 || places.empty()) places.insert("everyone");
  std::string text = fmt::format("  {}:\n    rules:\n", name);
  for (const auto& place : places) {
    text += fmt::format("      - {{for: \"{}\", {}}}\n", place, kPreferences[random.below(7)]);
  }
  return text;
}

void write_world(const test::MapFixture& fixture, base::Random& random) {
  fixture.write_standard();
  const auto hole = base::to_string(block_of(base::Family::V4, random));
  fixture.write("regions.yaml", fmt::format("regions:\n  inland: [m49:155, continent:SA, not {}, not {}]\n"
                                            "  feeds: [\"file:b.nets\", not DE, \"not file:c.nets\"]\n",
                                            kCountries[random.below(2)], hole));
  for (const auto* file : {"a.nets", "b.nets", "c.nets"}) {
    std::set<std::string> lines;
    for (int i = 0; i < 12; ++i) {
      const auto family = random.below(2) == 0 ? base::Family::V4 : base::Family::V6;
      lines.insert(base::to_string(block_of(family, random)));
    }
    fixture.write(file, fmt::format("# a feed\n{}\n", fmt::join(lines, "\n")));
  }
  std::string maps = "maps:\n";
  std::string services = "services:\n";
  for (std::uint32_t i = 0, count = 1 + random.below(4); i < count; ++i) {
    const auto name = fmt::format("web{}", i);
    maps += random_rules(random, name);
    services += fmt::format(
        "  {0}.example.com: {{map: {0}, pools: {{ams: [192.0.2.1], iad: [192.0.2.2], sin: [192.0.2.3]}}}}\n",
        name);
  }
  fixture.write("maps.yaml", maps);
  fixture.write("services.yaml", services);
  test::MmdbWriter writer;
  for (const auto family : {base::Family::V4, base::Family::V6}) {
    for (int i = 0; i < 30; ++i) {
      const std::string code = kCountries[random.below(8)];
      test::MmdbValue::Map record{{"country", test::mmdb_map({{"iso_code", code}})}};
      if (code == "US") {
        record.emplace_back(
            "subdivisions",
            test::mmdb_list({test::mmdb_map({{"iso_code", kSubdivisions[random.below(3)]}})}));
      }
      if (random.below(3) == 0) {
        record.emplace_back("city",
                            test::mmdb_map({{"names", test::mmdb_map({{"en", kCities[random.below(3)]}})},
                                            {"geoname_id", 1 + random.below(4)}}));
      }
      if (random.below(2) == 0) {
        record.emplace_back("location", test::mmdb_map({{"latitude", random.below(100) - 40.0},
                                                        {"longitude", random.below(300) - 150.0}}));
      }
      writer.insert(base::to_string(block_of(family, random)), test::mmdb_map(std::move(record)));
    }
  }
  fixture.set_database(writer);
}

/// What the rules say, without any compiled tree: the same question explain asks.
std::vector<steering::TierEntry> brute_force(const MapRules& map, const base::IpAddress& address) {
  const auto place = map.database.locate(address).merged.place;
  std::uint32_t chain = 0;
  int best = -1;
  for (std::uint32_t id = 1; id < map.rules.chains().count(); ++id) {
    const auto& network = map.rules.chains().chain(id).network();
    if (!network.contains(address) || network.bits <= best) continue;
    chain = id;
    best = network.bits;
  }
  return tiers_of(map.rules, map.order, map.rules.find(place, chain), place);
}

bool same(std::span<const steering::TierEntry> left, std::span<const steering::TierEntry> right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

/// Checks every address of the family; returns the number of distinct leaves seen.
std::size_t check_family(const Compiled& compiled, std::size_t index, base::Family family) {
  const auto& rules = compiled.rulebook->maps[index];
  const auto& map = compiled.snapshot->maps[index];
  const auto& tree = map.tree(family);
  std::vector<geo::Leaf> leaves;
  for (std::uint32_t i = 0; i < 1'024; ++i) {
    const auto address = address_of(family, i);
    const auto leaf = tree.lookup(address);
    leaves.push_back(leaf);
    const auto list = compiled.snapshot->tiers.list(static_cast<base::TiersId>(leaf.value));
    // Soundness: the leaf says what the rules say, for every address of its block.
    REQUIRE(same(list, brute_force(rules, address)));
  }
  std::set<std::uint32_t> seen;
  for (std::uint32_t i = 0; i < 1'024; ++i) {
    const auto leaf = leaves[i];
    seen.insert(leaf.value);
    const base::IpPrefix block{base::masked(address_of(family, i), leaf.depth), leaf.depth};
    bool parent_differs = leaf.depth == 0;
    for (std::uint32_t j = 0; j < 1'024; ++j) {
      const auto address = address_of(family, j);
      if (block.contains(address)) REQUIRE(leaves[j] == leaf);
      if (leaf.depth == 0) continue;
      const auto parent_bits = static_cast<std::uint8_t>(leaf.depth - 1);
      const base::IpPrefix parent{base::masked(address_of(family, i), parent_bits), parent_bits};
      if (parent.contains(address) && leaves[j].value != leaf.value) parent_differs = true;
    }
    // Maximality: the block around the leaf is not uniform. Above the world the rest of the Internet decides.
    const std::uint8_t top = family == base::Family::V4 ? 10 : 20;
    if (leaf.depth > top) REQUIRE(parent_differs);
  }
  return seen.size();
}

}  // namespace

TEST_SUITE("compile/map_property") {
  TEST_CASE("every address gets the tiers its rules give, from the largest block for which that is true") {
    base::Random random(2026);
    std::size_t distinct = 0;
    std::size_t together = 0;  // worlds in which maps were compiled together
    for (int round = 0; round < 12; ++round) {
      CAPTURE(round);
      const test::MapFixture fixture(MERIDIAN_BINARY_DIR "/share/meridian");
      write_world(fixture, random);
      const auto compiled = fixture.must_compile();
      std::size_t plain = 0;
      for (std::size_t map = 0; map < compiled.snapshot->maps.size(); ++map) {
        CAPTURE(map);
        if (compiled.rulebook->maps[map].rules.chains().count() == 1) ++plain;
        for (const auto family : {base::Family::V4, base::Family::V6})
          distinct += check_family(compiled, map, family);
      }
      if (plain > 1) ++together;
    }
    CHECK(distinct > 100);  // the worlds were not all alike
    CHECK(together > 1);
  }
}

}  // namespace meridian::compile

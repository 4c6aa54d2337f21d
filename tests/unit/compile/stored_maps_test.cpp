#include "config/compile/stored_maps.hpp"

#include "base/random.hpp"
#include "base/siphash.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::compile {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Fixture : test::MapFixture {
  Fixture() : MapFixture(MERIDIAN_BINARY_DIR "/share/meridian") { write_standard(); }
};

/// The bytes with a checksum that is right for them.
Bytes sealed(Bytes bytes) {
  const auto tag = base::siphash_2_4({}, std::span{bytes}.first(bytes.size() - base::kSipTagBytes));
  std::copy(tag.begin(), tag.end(), bytes.end() - base::kSipTagBytes);
  return bytes;
}

void check_same_trees(const geo::PrefixTree& left, const geo::PrefixTree& right) {
  CHECK(left.family() == right.family());
  CHECK(left.root() == right.root());
  CHECK(std::equal(left.nodes().begin(), left.nodes().end(), right.nodes().begin(), right.nodes().end()));
}

base::IpAddress random_address(base::Random& random, base::Family family) {
  base::IpAddress address{family, {}};
  for (std::size_t i = 0; i < address.span().size(); ++i)
    address.bytes[i] = static_cast<std::uint8_t>(random.below(256));
  return address;
}

}  // namespace

TEST_SUITE("compile/stored_maps") {
  TEST_CASE("what is read is what was written") {
    const Fixture fixture;
    fixture.write("regions.yaml", "regions:\n  office: [10.1.0.0/16, 203.0.113.0/24]\n");
    fixture.write("maps.yaml",
                  "maps:\n  web:\n    rules:\n      - {for: GB, prefer: [ams, {iad: 3, sin: 1}]}\n"
                  "      - {for: office, only: [sin]}\n"
                  "    resolvers:\n      - {for: 198.51.100.0/24, prefer: [iad]}\n");
    const auto snapshot = fixture.must_compile().snapshot;
    const auto bytes = write_stored_maps(*snapshot);
    const auto stored = read_stored_maps(bytes, snapshot->datacenters.size());
    REQUIRE(stored.has_value());
    REQUIRE(stored->maps.size() == snapshot->maps.size());
    for (std::size_t i = 0; i < stored->maps.size(); ++i) {
      const auto& read = stored->maps[i];
      const auto& map = snapshot->maps[i];
      CHECK(read.name == map.name);
      CHECK(read.unknown == map.unknown);
      CHECK(map.has_resolvers);
      CHECK(read.has_resolvers == map.has_resolvers);
      CHECK_FALSE(map.unnamed_private.empty());
      CHECK(read.unnamed_private == map.unnamed_private);
      check_same_trees(read.v4, map.v4);
      check_same_trees(read.v6, map.v6);
      check_same_trees(read.resolvers_v4, map.resolvers_v4);
      check_same_trees(read.resolvers_v6, map.resolvers_v6);
    }
    REQUIRE(stored->tiers.size() == snapshot->tiers.size());
    for (std::size_t i = 0; i < stored->tiers.size(); ++i) {
      const auto read = stored->tiers.list(static_cast<base::TiersId>(i));
      const auto list = snapshot->tiers.list(static_cast<base::TiersId>(i));
      CHECK(std::equal(read.begin(), read.end(), list.begin(), list.end()));
    }
    CHECK(write_stored_maps(*fixture.must_compile().snapshot) == bytes);
  }

  TEST_CASE("a stored map decides as the compiled one") {
    const Fixture fixture;
    const auto snapshot = fixture.must_compile().snapshot;
    const auto stored = read_stored_maps(write_stored_maps(*snapshot), snapshot->datacenters.size());
    REQUIRE(stored.has_value());
    base::Random random(7);
    for (int i = 0; i < 20'000; ++i) {
      const auto address = random_address(random, i % 2 == 0 ? base::Family::V4 : base::Family::V6);
      const auto read = stored->maps[0].tree(address.family).lookup(address);
      const auto leaf = snapshot->maps[0].tree(address.family).lookup(address);
      REQUIRE(read == leaf);
    }
  }

  TEST_CASE("every changed byte is found") {
    const auto snapshot = Fixture().must_compile().snapshot;
    const auto bytes = write_stored_maps(*snapshot);
    base::Random random(1);
    for (int i = 0; i < 2'000; ++i) {
      auto changed = bytes;
      changed[random.below(static_cast<std::uint32_t>(changed.size()))] ^=
          static_cast<std::uint8_t>(1u << random.below(8));
      REQUIRE_FALSE(read_stored_maps(changed, snapshot->datacenters.size()).has_value());
    }
  }

  TEST_CASE("a cut file is refused wherever it was cut, even with a checksum that is right") {
    const auto snapshot = Fixture().must_compile().snapshot;
    const auto bytes = write_stored_maps(*snapshot);
    for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 64) {
      Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK_FALSE(read_stored_maps(cut, snapshot->datacenters.size()).has_value());
      if (size > 8 + base::kSipTagBytes) {
        CHECK_FALSE(read_stored_maps(sealed(cut), snapshot->datacenters.size()).has_value());
      }
    }
  }

  TEST_CASE("nonsense with a checksum that is right is refused or safe to use") {
    const auto snapshot = Fixture().must_compile().snapshot;
    const auto bytes = write_stored_maps(*snapshot);
    base::Random random(3);
    int refused = 0;
    for (int i = 0; i < 5'000; ++i) {
      auto changed = bytes;
      const auto at = random.below(static_cast<std::uint32_t>(changed.size() - base::kSipTagBytes));
      changed[at] = static_cast<std::uint8_t>(random.below(256));
      const auto stored = read_stored_maps(sealed(changed), snapshot->datacenters.size());
      if (!stored) {
        ++refused;
        continue;
      }
      for (const auto family : {base::Family::V4, base::Family::V6}) {
        for (const auto& map : stored->maps) {
          const auto leaf = map.tree(family).lookup(random_address(random, family));
          REQUIRE(leaf.value < stored->tiers.size());
          for (const auto& entry : stored->tiers.list(static_cast<base::TiersId>(leaf.value)))
            REQUIRE(base::index_of(entry.datacenter) < snapshot->datacenters.size());
        }
      }
    }
    CHECK(refused > 0);
  }

  TEST_CASE("what is wrong with the bytes is told") {
    const auto snapshot = Fixture().must_compile().snapshot;
    const auto bytes = write_stored_maps(*snapshot);
    struct Row {
      const char* why;
      std::function<void(Bytes&)> change;
      const char* expected;
    };
    const Row rows[] = {
        {"another file", [](Bytes& some) { some[0] = 'X'; }, "these are no stored maps"},
        {"nothing", [](Bytes& some) { some.clear(); }, "these are no stored maps"},
        {"a changed byte", [](Bytes& some) { some[40] ^= 1; }, "the checksum is wrong"},
        {"a later format",
         [](Bytes& some) {
           some[8] = 2;
           some = sealed(some);
         },
         "the format has version 2; this program reads version 1"},
        {"tiers that are not there",
         [](Bytes& some) {
           const std::string_view name = "web";
           const auto at = std::search(some.begin(), some.end(), name.begin(), name.end());
           REQUIRE(at != some.end());
           *(at - 12) = 0xff;  // for the unknown
           some = sealed(some);
         },
         "what it holds contradicts itself"},
        {"more behind the last map",
         [](Bytes& some) {
           some.insert(some.end(), 8, 0);
           some = sealed(some);
         },
         "what it holds contradicts itself"},
        {"more maps than there are",
         [](Bytes& some) {
           some[12] = 9;
           some = sealed(some);
         },
         "what it holds contradicts itself"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      auto changed = bytes;
      row.change(changed);
      const auto stored = read_stored_maps(changed, snapshot->datacenters.size());
      REQUIRE_FALSE(stored.has_value());
      CHECK(stored.error() == row.expected);
    }
    CHECK_FALSE(read_stored_maps(bytes, snapshot->datacenters.size() - 1).has_value());
  }

  TEST_CASE("files and stored maps that do not go together are refused") {
    const Fixture fixture;
    const auto snapshot = fixture.must_compile().snapshot;
    const auto bytes = write_stored_maps(*snapshot);
    const auto load = [&] { return config::load_map_directory(fixture.map_folder()); };
    const auto same = compile_stored(load(), read_stored_maps(bytes, 3).value(), 4, {});
    REQUIRE(same.has_value());
    CHECK(same->snapshot->epoch == 4);
    CHECK_FALSE(same->rulebook->has_rules());
    CHECK(write_stored_maps(*same->snapshot) == bytes);
    CHECK(same->snapshot->services.size() == snapshot->services.size());
    CHECK(same->snapshot->records == snapshot->records);

    auto other = read_stored_maps(bytes, 3).value();
    other.maps[0].name = "another";
    const auto refused = compile_stored(load(), std::move(other), 4, {});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().to_text().find("the stored maps are not those of these files") !=
          std::string::npos);
  }
}

}  // namespace meridian::compile

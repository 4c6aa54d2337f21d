#include "control/epoch_store.hpp"

#include "base/regular_file.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <string>

namespace meridian::control {
namespace {

namespace fs = std::filesystem;

const std::vector<std::uint8_t> kMaps{1, 2, 3, 4};

struct Fixture {
  Fixture() {
    folder.write("map/maps.yaml", "maps: {}\n");
    folder.write("map/zones/example.com.zone", "@ SOA\n");
    folder.write("map/feeds/a.nets", "192.0.2.0/24\n");
    folder.write("map/.git/HEAD", "not part of it\n");
  }

  [[nodiscard]] std::string map() const { return folder.path() + "/map"; }
  [[nodiscard]] std::string state(const std::string& name) const {
    return folder.path() + "/state/epochs/" + name;
  }

  [[nodiscard]] EpochInfo info(std::uint64_t number) const {
    const FeedNames feeds{"feeds/a.nets"};
    const auto digest = digest_map(map(), feeds).value();
    return {.number = number,
            .hash = epoch_hash(digest, kMaps),
            .loaded_at = std::chrono::system_clock::time_point{std::chrono::seconds{1'800'000'000}},
            .version = "1.2.3",
            .digest = digest,
            .feeds = feeds,
            .databases = {{"country", "/geoip/country.mmdb", "country", 1'700'000'000}},
            .stamps = {"places", "country"}};
  }
  void keep(std::uint64_t number) { REQUIRE(store.keep(info(number), map(), kMaps).has_value()); }

  test::TemporaryFolder folder;
  EpochStore store{folder.path() + "/state"};
};

std::vector<std::uint64_t> numbers(const EpochStore& store) {
  std::vector<std::uint64_t> found;
  for (const auto& info : store.list()) found.push_back(info.number);
  return found;
}

std::string read(const std::string& path) { return base::read_regular_file(path, 1'000'000).value(); }

}  // namespace

TEST_SUITE("control/epoch_store") {
  TEST_CASE("an epoch is read as it was kept") {
    Fixture fixture;
    fixture.keep(7);
    const auto stored = fixture.store.open(7);
    REQUIRE(stored.has_value());
    const auto wanted = fixture.info(7);
    CHECK(stored->info.number == 7);
    CHECK(stored->info.hash == wanted.hash);
    CHECK(stored->info.loaded_at == wanted.loaded_at);
    CHECK(stored->info.version == "1.2.3");
    CHECK(stored->info.digest == wanted.digest);
    CHECK(stored->info.feeds == wanted.feeds);
    CHECK(stored->info.databases == wanted.databases);
    CHECK(stored->info.stamps == wanted.stamps);
    CHECK(stored->maps == kMaps);
    CHECK(read(stored->map_folder + "/zones/example.com.zone") == "@ SOA\n");
    CHECK_FALSE(fs::exists(stored->map_folder + "/.git"));
    CHECK(fixture.store.current().number == 7);
    CHECK_FALSE(fs::exists(fixture.state(".new")));
  }

  TEST_CASE("the last five are left, and the one that serves") {
    Fixture fixture;
    for (std::uint64_t number = 1; number <= 7; ++number) fixture.keep(number);
    CHECK(numbers(fixture.store) == std::vector<std::uint64_t>{7, 6, 5, 4, 3});
    REQUIRE(fixture.store.set_current({.number = 3, .refused = {"files", "feeds"}}).has_value());
    CHECK(fixture.store.current().refused == MapDigest{"files", "feeds"});
    fixture.keep(8);
    CHECK(numbers(fixture.store) == std::vector<std::uint64_t>{8, 7, 6, 5, 4});
    CHECK_MESSAGE(fixture.store.current().refused == MapDigest{}, "a new map ends what was refused");
  }

  TEST_CASE("one that serves again under another number is the same") {
    Fixture fixture;
    fixture.keep(2);
    REQUIRE(fixture.store.renumber(2, 5).has_value());
    CHECK(numbers(fixture.store) == std::vector<std::uint64_t>{5});
    CHECK(fixture.store.current().number == 5);
    CHECK(fixture.store.open(5).value().info.hash == fixture.info(2).hash);
    CHECK_FALSE(fixture.store.renumber(9, 10).has_value());
  }

  TEST_CASE("the hash is of what decides and of nothing else") {
    const Fixture fixture;
    const auto before = fixture.info(1);
    fixture.folder.write("map/.hidden", "x");
    CHECK(fixture.info(2).hash == before.hash);
    fixture.folder.write("map/feeds/a.nets", "192.0.2.0/25\n");
    const auto feeds = fixture.info(1);
    CHECK(feeds.hash != before.hash);
    CHECK(feeds.digest.files == before.digest.files);
    CHECK(feeds.digest.feeds != before.digest.feeds);
    fixture.folder.write("map/maps.yaml", "maps: {web: {}}\n");
    CHECK(fixture.info(1).digest.files != before.digest.files);
    CHECK(epoch_hash(before.digest, kMaps) != epoch_hash(before.digest, std::vector<std::uint8_t>{1, 2, 3}));
    // What moves from one file's end to the next one's beginning is another map.
    fixture.folder.write("map/a", "12");
    fixture.folder.write("map/b", "3");
    const auto one = digest_map(fixture.map(), {}).value();
    fixture.folder.write("map/a", "1");
    fixture.folder.write("map/b", "23");
    CHECK(digest_map(fixture.map(), {}).value() != one);
  }

  TEST_CASE("what was damaged is told and never used") {
    struct Row {
      const char* why;
      std::function<void(const Fixture&)> damage;
      const char* expected;
    };
    const Row rows[] = {
        {"the tries", [](const Fixture& f) { f.folder.write("state/epochs/0000000004/maps.bin", "1234"); },
         "0000000004/maps.bin: is not what was written"},
        {"no tries", [](const Fixture& f) { fs::remove(f.state("0000000004/maps.bin")); },
         "0000000004/maps.bin: there is no such file"},
        {"a map file", [](const Fixture& f) { f.folder.write("state/epochs/0000000004/map/maps.yaml", "m"); },
         "0000000004/map: its files are not those the epoch was made of"},
        {"a file more", [](const Fixture& f) { f.folder.write("state/epochs/0000000004/map/x", ""); },
         "0000000004/map: its files are not those the epoch was made of"},
        {"no JSON", [](const Fixture& f) { f.folder.write("state/epochs/0000000004/epoch.json", "{"); },
         "0000000004/epoch.json: incomplete JSON"},
        {"another format",
         [](const Fixture& f) { f.folder.write("state/epochs/0000000004/epoch.json", "{\"format\":9}"); },
         "0000000004/epoch.json: is of another format than this program writes"},
        {"no epoch", [](const Fixture& f) { fs::remove_all(f.state("0000000004")); }, "epoch 4 is not kept"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Fixture fixture;
      fixture.keep(3);
      fixture.keep(4);
      row.damage(fixture);
      const auto stored = fixture.store.open(4);
      REQUIRE_FALSE(stored.has_value());
      CHECK(stored.error().find(row.expected) != std::string::npos);
      CHECK(fixture.store.open(3).has_value());
    }
  }

  TEST_CASE("what a crash left half done is no epoch, and is cleared away") {
    Fixture fixture;
    fixture.keep(1);
    fixture.folder.write("state/epochs/.new/maps.bin", "half");
    fixture.folder.write("state/epochs/.new/map/other", "half");
    CHECK(numbers(fixture.store) == std::vector<std::uint64_t>{1});
    fixture.keep(2);
    CHECK(numbers(fixture.store) == std::vector<std::uint64_t>{2, 1});
    CHECK_FALSE(fs::exists(fixture.state("0000000002/map/other")));
    fixture.folder.write("state/epochs/current.json", "");
    CHECK_MESSAGE(fixture.store.current().number == 2, "the newest");
  }

  TEST_CASE("files that were changed after they were read are not kept") {
    Fixture fixture;
    const auto info = fixture.info(1);
    fixture.folder.write("map/maps.yaml", "maps: {new: {}}\n");
    const auto kept = fixture.store.keep(info, fixture.map(), kMaps);
    REQUIRE_FALSE(kept.has_value());
    CHECK(kept.error() == fixture.map() + ": was changed while it was read; reload it again");
    CHECK(fixture.store.list().empty());
    CHECK(fixture.store.current().number == 0);
  }

  TEST_CASE("a folder that cannot be written is an error") {
    Fixture fixture;
    fixture.folder.write("state/epochs", "a file");
    CHECK_FALSE(fixture.store.keep(fixture.info(1), fixture.map(), kMaps).has_value());
    CHECK(fixture.store.list().empty());
    CHECK_FALSE(fixture.store.set_current({.number = 1, .refused = {}}).has_value());
  }
}

}  // namespace meridian::control

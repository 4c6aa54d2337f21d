#include "control/geoip_gate.hpp"

#include "site_fixture.hpp"
#include "support/mmdb_writer.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

namespace meridian::control {
namespace {

using stats::Counter;
using test::SiteFixture;

test::MmdbWriter standard_database(test::MmdbWriter::Options options = {}) {
  test::MmdbWriter writer(std::move(options));
  const auto add = [&](const char* network, const char* continent, const char* country) {
    writer.insert(network, test::mmdb_map({{"continent", test::mmdb_map({{"code", continent}})},
                                           {"country", test::mmdb_map({{"iso_code", country}})}}));
  };
  add("81.2.69.0/24", "EU", "GB");
  add("82.0.0.0/8", "EU", "DE");
  add("8.0.0.0/8", "NA", "US");
  add("27.0.0.0/16", "AS", "SG");
  add("58.0.0.0/8", "AS", "JP");
  add("59.0.0.0/8", "AS", "CN");
  add("2a00::/12", "EU", "GB");
  add("2600::/12", "NA", "US");
  return writer;
}

void insert_country(test::MmdbWriter& writer, const char* network, const char* country) {
  writer.insert(network, test::mmdb_map({{"country", test::mmdb_map({{"iso_code", country}})}}));
}

struct Fixture : SiteFixture {
  Fixture() { map.set_database(standard_database()); }

  [[nodiscard]] std::string database() const { return map.folder().path() + "/test.mmdb"; }
  [[nodiscard]] std::uint64_t count(Counter counter) const { return counters.total(counter); }
  /// The first datacenter of an address.
  [[nodiscard]] std::string first_of(const char* address) const {
    const auto snapshot = reloader.serving().get()->snapshot;
    const auto leaf = snapshot->maps[0].v4.lookup(base::parse_ip_address(address).value());
    const auto list = snapshot->tiers.list(static_cast<base::TiersId>(leaf.value));
    return snapshot->datacenters[base::index_of(list.front().datacenter)].name;
  }
};

}  // namespace

TEST_SUITE("control/geoip_gate") {
  TEST_CASE("an update that moves little is taken") {
    Fixture fixture;
    fixture.start();
    const auto before = fixture.first_of("8.8.8.8");
    auto writer = standard_database();
    insert_country(writer, "8.8.8.0/24", "GB");
    fixture.map.set_database(writer);
    const auto result = fixture.reload();
    CHECK(result.ok);
    CHECK(fixture.first_of("8.8.8.8") != before);
    CHECK(fixture.count(Counter::GeoipActivated) == 1);
    CHECK(fixture.count(Counter::GeoipHeld) == 0);
    CHECK_FALSE(fixture.reloader.held());
  }

  TEST_CASE("an update that moves much is held, and the map goes on changing without it") {
    Fixture fixture;
    fixture.start();
    const auto before = fixture.first_of("8.8.8.8");
    auto writer = standard_database();
    insert_country(writer, "8.0.0.0/9", "GB");
    fixture.map.set_database(writer);
    for (int i = 0; i < 2; ++i) {
      const auto result = fixture.reload();
      CHECK(result.ok);
      CHECK(result.diagnostics.to_text().find("held: max_moved: ") != std::string::npos);
      CHECK(fixture.first_of("8.8.8.8") == before);
    }
    CHECK_MESSAGE(fixture.count(Counter::GeoipHeld) == 1, "one update, however often it is read");
    auto held = fixture.reloader.held();
    REQUIRE(held.has_value());
    CHECK(held->files == std::vector<std::string>{fixture.database()});
    REQUIRE(held->reasons.size() == 1);
    CHECK(held->reasons[0].find("max_moved: ") == 0);

    // The map's own change is not what the gate is about.
    fixture.map.write("maps.yaml", "maps: {web: {rules: [{for: US, prefer: [sin]}]}}\n");
    REQUIRE(fixture.reload().ok);
    CHECK(fixture.first_of("8.8.8.8") == "sin");
    CHECK(fixture.reloader.held().has_value());

    REQUIRE(fixture.reload({.accept_geoip = true}).ok);
    CHECK(fixture.first_of("8.8.8.8") != "sin");
    CHECK_FALSE(fixture.reloader.held());
    CHECK(fixture.count(Counter::GeoipActivated) == 1);
    CHECK(fixture.reload().diagnostics.to_text().find("held") == std::string::npos);
  }

  TEST_CASE("what was held is forgotten once better files are there") {
    Fixture fixture;
    fixture.start();
    auto writer = standard_database();
    insert_country(writer, "8.0.0.0/9", "GB");
    fixture.map.set_database(writer);
    REQUIRE(fixture.reload().ok);
    REQUIRE(fixture.reloader.held().has_value());
    auto good = standard_database();
    insert_country(good, "8.8.8.0/24", "GB");
    fixture.map.set_database(good);
    REQUIRE(fixture.reload().ok);
    CHECK_FALSE(fixture.reloader.held());
    CHECK(fixture.first_of("8.8.8.8") == "ams");
    CHECK(fixture.count(Counter::GeoipActivated) == 1);
  }

  TEST_CASE("the gate is as wide as the site file says") {
    struct Row {
      const char* why;
      const char* gate;
      bool is_held;
    };
    const Row rows[] = {
        {"five per cent unless told", "", true},
        {"wide", "geoip_gate: {max_moved: 50%}\n", false},
        {"narrow", "geoip_gate: {max_moved: 0}\n", true},
        {"off", "geoip_gate: off\n", false},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Fixture fixture;
      fixture.write_site(row.gate);
      fixture.start();
      auto writer = standard_database();
      insert_country(writer, "8.0.0.0/9", "GB");
      fixture.map.set_database(writer);
      REQUIRE(fixture.reload().ok);
      CHECK(fixture.reloader.held().has_value() == row.is_held);
    }
  }

  TEST_CASE("demand counts where there is a file of it, and a file that cannot be read is told") {
    Fixture fixture;
    fixture.map.folder().write("demand.txt", "8.8.8.0/24 90\n81.2.69.0/24 10\n");
    fixture.write_site("geoip_gate: {max_moved: 20%, demand: demand.txt}\n");
    fixture.start();
    auto writer = standard_database();
    insert_country(writer, "8.8.8.0/24", "GB");
    fixture.map.set_database(writer);
    REQUIRE(fixture.reload().ok);
    auto held = fixture.reloader.held();
    REQUIRE(held.has_value());
    CHECK(held->reasons[0].find("max_moved_demand: 90.0 %") == 0);

    fixture.map.folder().write("demand.txt", "nothing\n");
    auto other = standard_database();
    insert_country(other, "8.8.9.0/24", "GB");
    fixture.map.set_database(other);
    const auto result = fixture.reload();
    REQUIRE(result.ok);
    CHECK_FALSE(fixture.reloader.held());
    CHECK(result.diagnostics.to_text().find("only address space was held against the gate: ") !=
          std::string::npos);
  }

  TEST_CASE("a file that looks wrong is held although it moves little") {
    struct Row {
      const char* why;
      std::function<test::MmdbWriter()> make;
      const char* reason;
    };
    const Row rows[] = {
        {"another product", [] { return standard_database({.database_type = "GeoLite2-ASN"}); },
         ": its type is 'GeoLite2-ASN', and that of the file in use '"},
        {"an older build", [] { return standard_database({.build_epoch = 1'000'000'000}); },
         ": was built on 2001-09-09, before the file in use ("},
        {"many more networks",
         [] {
           auto writer = standard_database();
           for (int i = 0; i < 200; i += 2)
             insert_country(writer, ("8.8." + std::to_string(i) + ".0/24").c_str(), "CA");
           return writer;
         },
         " IPv4 networks, and the file in use "},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Fixture fixture;
      fixture.write_site("geoip_gate: {max_moved: 100%}\n");
      fixture.start();
      fixture.map.set_database(row.make());
      REQUIRE(fixture.reload().ok);
      const auto held = fixture.reloader.held();
      REQUIRE(held.has_value());
      REQUIRE(held->reasons.size() == 1);
      CAPTURE(held->reasons[0]);
      CHECK(held->reasons[0].find(row.reason) != std::string::npos);
    }
  }

  TEST_CASE("a field that nobody has any more is told") {
    Fixture fixture;
    fixture.write_site("geoip_gate: {max_moved: 100%}\n");
    auto writer = standard_database();
    writer.insert(
        "81.2.69.0/24",
        test::mmdb_map({{"country", test::mmdb_map({{"iso_code", "GB"}})},
                        {"city", test::mmdb_map({{"names", test::mmdb_map({{"en", "London"}})}})}}));
    fixture.map.set_database(writer);
    fixture.start();
    fixture.map.set_database(standard_database());
    REQUIRE(fixture.reload().ok);
    const auto held = fixture.reloader.held();
    REQUIRE(held.has_value());
    CHECK(held->reasons == std::vector<std::string>{fixture.database() +
                                                    ": no record has a city, and the file in use knows it"});
  }

  TEST_CASE("a file with which an expectation breaks is held") {
    Fixture fixture;
    fixture.write_site("geoip_gate: {max_moved: 100%}\n");
    fixture.map.write("expect.yaml", "expect: [{from: 81.2.69.0/24, map: web, first: ams}]\n");
    fixture.start();
    auto writer = standard_database();
    insert_country(writer, "81.2.69.128/25", "SG");
    fixture.map.set_database(writer);
    REQUIRE(fixture.reload().ok);
    const auto held = fixture.reloader.held();
    REQUIRE(held.has_value());
    REQUIRE(held->reasons.size() == 1);
    CHECK(held->reasons[0].find("must get ams first") != std::string::npos);
    // It stays true of what is accepted, too.
    CHECK_FALSE(fixture.reload({.accept_geoip = true}).ok);
    CHECK(fixture.first_of("81.2.69.200") == "ams");
    CHECK_MESSAGE(fixture.reload().ok, "and the files in use stay in use");
    CHECK(fixture.reloader.held().has_value());
    CHECK(fixture.count(Counter::GeoipActivated) == 0);
  }

  TEST_CASE("a networks file is held by the same gate, and a map that is edited is not") {
    Fixture fixture;
    const auto write_feed = [&](const char* text) { fixture.map.write("feeds/some.nets", text); };
    write_feed("8.8.8.0/24\n");
    fixture.map.write("maps.yaml",
                      "maps: {web: {rules: [{for: \"file:feeds/some.nets\", prefer: [sin]}, {for: everyone, "
                      "prefer: [iad]}]}}\n");
    fixture.start();
    write_feed("8.8.8.0/24\n8.8.9.0/24\n");
    CHECK(fixture.reload().ok);
    CHECK(fixture.first_of("8.8.9.9") == "sin");

    write_feed("8.0.0.0/8\n");
    for (int i = 0; i < 2; ++i) {
      const auto result = fixture.reload();
      CHECK_FALSE(result.ok);
      CHECK(result.diagnostics.to_text().find("/map/feeds/some.nets held: max_moved: ") != std::string::npos);
      CHECK(fixture.first_of("8.1.1.1") == "iad");
    }
    CHECK(fixture.count(Counter::GeoipHeld) == 1);
    CHECK(fixture.reloader.held().has_value());
    CHECK(fixture.reload({.accept_geoip = true}).ok);
    CHECK(fixture.first_of("8.1.1.1") == "sin");
    CHECK_FALSE(fixture.reloader.held());

    fixture.map.write("maps.yaml", "maps: {web: {rules: [{for: everyone, prefer: [ams]}]}}\n");
    CHECK_MESSAGE(fixture.reload().ok, "an operator's own edit is previewed by plan, not held here");
    CHECK(fixture.first_of("8.1.1.1") == "ams");
  }

  TEST_CASE("of several databases the one that changed is told") {
    Fixture fixture;
    const auto site = "map: map\nsite: ams1\ngeoip: {test: [test.mmdb], other: [other.mmdb]}\n";
    fixture.map.folder().write("meridian.yaml", site);
    fixture.map.folder().write("other.mmdb", standard_database().bytes());
    fixture.start();
    auto writer = standard_database();
    insert_country(writer, "8.0.0.0/9", "GB");
    fixture.map.set_database(writer);
    REQUIRE(fixture.reload().ok);
    const auto held = fixture.reloader.held();
    REQUIRE(held.has_value());
    CHECK(held->files == std::vector<std::string>{fixture.database()});
  }

  TEST_CASE("other files in the site file are an operator's own edit") {
    Fixture fixture;
    fixture.start();
    auto writer = standard_database();
    insert_country(writer, "8.0.0.0/9", "GB");
    fixture.map.folder().write("other.mmdb", writer.bytes());
    fixture.map.folder().write("meridian.yaml", "map: map\nsite: ams1\ngeoip: {test: [other.mmdb]}\n");
    CHECK(fixture.reload().ok);
    CHECK_FALSE(fixture.reloader.held());
    CHECK(fixture.first_of("8.200.1.1") == "iad");
    CHECK(fixture.first_of("8.1.1.1") == "ams");
  }
}

}  // namespace meridian::control

#include "plan/assume.hpp"

#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace meridian::plan {
namespace {

struct Fixture : test::MapFixture {
  Fixture() : MapFixture(MERIDIAN_BINARY_DIR "/share/meridian") {
    write_standard();
    write("services.yaml",
          "services:\n  www.example.com:\n    map: web\n    pools:\n"
          "      ams: {addresses: {192.0.2.1: 1, 192.0.2.2: 1, 192.0.2.3: 2}}\n"
          "      iad: [198.51.100.1]\n      sin: [203.0.113.1]\n"
          "    on_all_down: {addresses: [192.0.2.99]}\n");
    snapshot = must_compile().snapshot;
  }

  /// Addresses that are down, with spaces between.
  static std::string down(const query::Snapshot& snapshot, const query::Tables& tables) {
    std::string text;
    for (std::uint32_t i = 0; i < snapshot.endpoints.size(); ++i) {
      if (tables.health.is_serving(base::EndpointId{i})) continue;
      text += (text.empty() ? "" : " ") + base::to_string(snapshot.endpoints[i].address);
    }
    return text;
  }

  std::shared_ptr<const query::Snapshot> snapshot;
};

}  // namespace

TEST_SUITE("plan/assume") {
  TEST_CASE("endpoints are taken down, the last ones first, until so much weight is left") {
    struct Row {
      const char* assumptions;
      const char* down;
    };
    const Row rows[] = {
        {"", ""},
        {"ams down", "192.0.2.1 192.0.2.2 192.0.2.3"},
        {"ams 100%", ""},
        {"ams 99%", "192.0.2.3"},
        {"ams 50%", "192.0.2.3"},
        {"ams 49%", "192.0.2.2 192.0.2.3"},
        {"ams 0%", "192.0.2.1 192.0.2.2 192.0.2.3"},
        {"ams drained", ""},
        {"iad down,sin down", "198.51.100.1 203.0.113.1"},
    };
    const Fixture fixture;
    const query::Tables now(*fixture.snapshot);
    for (const auto& row : rows) {
      CAPTURE(row.assumptions);
      const auto tables = assumed_tables(*fixture.snapshot, now, parse_assumptions(row.assumptions).value());
      REQUIRE(tables.has_value());
      CHECK(Fixture::down(*fixture.snapshot, **tables) == row.down);
    }
    CHECK(Fixture::down(*fixture.snapshot, now).empty());
  }

  TEST_CASE("what is worse already stays so") {
    const Fixture fixture;
    query::Tables now(*fixture.snapshot);
    now.health.set_state(base::EndpointId{0}, health::EndpointState::Down);
    now.health.set_kept(base::DatacenterId{0}, health::kKeepsAll / 4);
    const auto assume = [&](const char* text) {
      return assumed_tables(*fixture.snapshot, now, parse_assumptions(text).value()).value();
    };
    CHECK(Fixture::down(*fixture.snapshot, *assume("ams 75%")) == "192.0.2.1");
    CHECK(Fixture::down(*fixture.snapshot, *assume("ams 50%")) == "192.0.2.1 192.0.2.3");
    CHECK(assume("ams shed 30%")->health.kept(base::DatacenterId{0}) == health::kKeepsAll / 4);
    CHECK(assume("ams shed 90%")->health.kept(base::DatacenterId{0}) < health::kKeepsAll / 8);
    CHECK(assume("ams drained")->health.kept(base::DatacenterId{0}) == 0);
    CHECK(assume("")->health.kept(base::DatacenterId{1}) == health::kKeepsAll);
  }

  TEST_CASE("nonsense is told") {
    const Fixture fixture;
    const query::Tables now(*fixture.snapshot);
    CHECK(parse_assumptions("ams down,").value().size() == 1);
    CHECK(parse_assumptions("ams down,,iad down").error().find("'' is no assumption") == 0);
    CHECK(parse_assumptions("ams").error().find("'ams' is no assumption") == 0);
    CHECK(assumed_tables(*fixture.snapshot, now, parse_assumptions("asm down").value()).error() ==
          "the map has no datacenter 'asm'; did you mean 'ams'?");
  }
}

}  // namespace meridian::plan

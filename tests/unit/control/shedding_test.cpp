#include "control/shedding.hpp"

#include "site_fixture.hpp"

#include <doctest/doctest.h>
#include <boost/json/serialize.hpp>

namespace meridian::control {
namespace {

using namespace std::chrono_literals;

struct Fixture : test::SiteFixture {
  Fixture() { start(); }

  /// What the epoch that serves keeps of a datacenter, of 65536.
  std::uint32_t kept(const std::string& name) const {
    const auto serving = reloader.serving().get();
    const auto& datacenters = serving->snapshot->datacenters;
    for (std::size_t i = 0; i < datacenters.size(); ++i) {
      if (datacenters[i].name == name)
        return serving->tables->health.kept(static_cast<base::DatacenterId>(i));
    }
    FAIL("no such datacenter");
    return 0;
  }
  std::uint64_t changes() const { return counters.total(stats::Counter::SheddingChanges); }
};

}  // namespace

TEST_SUITE("control/shedding") {
  TEST_CASE("a wish is written into the tables that serve, and taken back") {
    Fixture fixture;
    CHECK(fixture.kept("ams") == health::kKeepsAll);
    REQUIRE(fixture.shedding.set("ams", steering::kFull, "CHG-7", std::nullopt).has_value());
    CHECK(fixture.kept("ams") == 0);
    CHECK(fixture.kept("iad") == health::kKeepsAll);
    CHECK(fixture.shedding.all().at("ams").reason == "CHG-7");
    REQUIRE(fixture.shedding.set("ams", steering::kFull / 4, "", std::nullopt).has_value());
    CHECK(fixture.kept("ams") == health::kKeepsAll * 3 / 4);
    REQUIRE(fixture.shedding.set("ams", 0, "", std::nullopt).has_value());
    CHECK(fixture.kept("ams") == health::kKeepsAll);
    CHECK(fixture.shedding.all().empty());
    CHECK(fixture.changes() == 3);
    // Nothing to end is no change.
    REQUIRE(fixture.shedding.set("ams", 0, "", std::nullopt).has_value());
    CHECK(fixture.changes() == 3);
  }

  TEST_CASE("what the map does not have is refused with what is near, and so is a reason that is no line") {
    Fixture fixture;
    CHECK(fixture.shedding.set("asm", steering::kFull, "", std::nullopt).error() ==
          "the map has no datacenter 'asm'; did you mean 'ams'?");
    CHECK(fixture.shedding.set("ams", steering::kFull, "two\nlines", std::nullopt).error() ==
          "a reason is one line of at most 200 bytes of UTF-8");
    CHECK_FALSE(
        fixture.shedding.set("ams", steering::kFull, std::string(201, 'x'), std::nullopt).has_value());
    // Written into a message for another process, it could not be read there.
    CHECK_FALSE(fixture.shedding.set("ams", steering::kFull, "caf\xe9", std::nullopt).has_value());
    CHECK(fixture.shedding.all().empty());
    CHECK(fixture.changes() == 0);
    CHECK(fixture.shedding.set("ams", steering::kFull, "caf\xc3\xa9", std::nullopt).has_value());
  }

  TEST_CASE("it outlives a reload by name, also while the map has no such datacenter") {
    Fixture fixture;
    REQUIRE(fixture.shedding.set("sin", steering::kFull, "", std::nullopt).has_value());
    CHECK(fixture.reload().ok);
    CHECK(fixture.kept("sin") == 0);
    CHECK(fixture.kept("ams") == health::kKeepsAll);

    fixture.map.write_standard();
    fixture.map.write("datacenters.yaml",
                      "datacenters:\n  iad: {at: [38.94, -77.46]}\n  ams: {at: [52.31, 4.76]}\n");
    fixture.map.write("maps.yaml", "maps: {web: {}}\n");
    fixture.map.write("regions.yaml", "regions: {}\n");
    fixture.map.write("services.yaml", "services: {}\n");
    CHECK(fixture.reload({.force = true}).ok);
    CHECK(fixture.kept("ams") == health::kKeepsAll);
    CHECK(fixture.shedding.all().contains("sin"));
    // It can still be ended, but not begun.
    CHECK_FALSE(fixture.shedding.set("sin", steering::kFull / 2, "", std::nullopt).has_value());
    CHECK(fixture.shedding.set("sin", 0, "", std::nullopt).has_value());
    CHECK(fixture.shedding.all().empty());
  }

  TEST_CASE("it ends by itself when its time is over") {
    Fixture fixture;
    int changes = 0;
    fixture.shedding.set_on_change([&] { ++changes; });
    REQUIRE(fixture.shedding.set("ams", steering::kFull, "", 60s).has_value());
    REQUIRE(fixture.shedding.set("iad", steering::kFull, "", 90s).has_value());
    CHECK(changes == 2);
    CHECK(fixture.shedding.next_end() == fixture.clock.monotonic() + 60s);
    fixture.clock.pass(59s);
    fixture.shedding.end_due();
    CHECK(fixture.kept("ams") == 0);
    fixture.clock.pass(1s);
    fixture.shedding.end_due();
    CHECK(fixture.kept("ams") == health::kKeepsAll);
    CHECK(fixture.kept("iad") == 0);
    CHECK(fixture.shedding.next_end() == fixture.clock.monotonic() + 30s);
    CHECK(fixture.changes() == 3);
  }

  TEST_CASE("another process takes it over whole, and leaves out what is malformed") {
    Fixture first;
    REQUIRE(first.shedding.set("ams", steering::kFull, "says \"why\"", 60s).has_value());
    REQUIRE(first.shedding.set("iad", steering::kFull / 2, "", std::nullopt).has_value());
    first.clock.pass(10s);
    const auto messages = first.shedding.to_json();
    REQUIRE(messages.size() == 1);

    Fixture second;
    REQUIRE(second.shedding.set("sin", steering::kFull, "", std::nullopt).has_value());
    second.shedding.restore(messages[0], true);
    const auto all = second.shedding.all();
    REQUIRE(all.size() == 2);
    CHECK(all.at("ams").reason == "says \"why\"");
    CHECK(all.at("ams").ends_at == second.clock.monotonic() + 50s);
    CHECK(all.at("iad").share == steering::kFull / 2);
    CHECK(second.kept("ams") == 0);
    CHECK(second.kept("sin") == health::kKeepsAll);

    boost::json::array bad{
        1, boost::json::object{{"datacenter", "ams"}},
        boost::json::object{{"datacenter", "sin"}, {"share", 70'000}, {"since", 1}},
        boost::json::object{{"datacenter", "iad"}, {"share", 1}, {"since", 1}, {"reason", 7}}};
    second.shedding.restore(bad, true);
    REQUIRE(second.shedding.all().size() == 1);
    CHECK(second.shedding.all().at("iad").share == 1);
  }

  TEST_CASE("a fleet of any size fits messages of a bounded size") {
    Fixture fixture;
    boost::json::array many;
    for (int i = 0; i < 300; ++i) {
      many.push_back(boost::json::object{{"datacenter", "d" + std::to_string(i)},
                                         {"share", 1},
                                         {"since", 1},
                                         {"reason", std::string(200, '"')}});
    }
    fixture.shedding.restore(many, true);
    const auto messages = fixture.shedding.to_json();
    CHECK(messages.size() == 5);
    for (const auto& message : messages)
      CHECK(boost::json::serialize(message).size() < base::limits::kHandoverMessageBytesMax);
  }
}

}  // namespace meridian::control

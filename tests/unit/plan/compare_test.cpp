#include "plan/compare.hpp"

#include "plan/shape.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace meridian::plan {
namespace {

constexpr const char* kRules =
    "maps:\n  web:\n    rules:\n"
    "      - {for: europe, prefer: [ams]}\n"
    "      - {for: US, prefer: [iad]}\n"
    "      - {for: CN, only: [sin]}\n"
    "      - {for: JP, prefer: [{iad: 50, sin: 50}]}\n"
    "      - {for: everyone, prefer: nearest}\n";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// The standard map and what becomes of it.
struct Change {
  Change() {
    old_map.write_standard();
    new_map.write_standard();
  }
  Comparison compare(const Options& options = {}) const {
    return plan::compare(old_map.must_compile(), new_map.must_compile(), options);
  }
  test::MapFixture old_map{MERIDIAN_BINARY_DIR "/share/meridian"};
  test::MapFixture new_map{MERIDIAN_BINARY_DIR "/share/meridian"};
};

std::string flows_of(const Movement& movement) {
  std::string text;
  for (const auto& flow : movement.flows) {
    text += flow.from + ">" + flow.to + " " + std::to_string(static_cast<long long>(flow.amount.v4)) + "/" +
            std::to_string(static_cast<long long>(flow.amount.v6)) + " ";
  }
  return text;
}

Demand demand_of(const std::string& text) { return parse_demand(text, "demand.txt").value(); }

}  // namespace

TEST_SUITE("plan/compare") {
  TEST_CASE("a map and itself: nothing changes, nothing is told") {
    const Change change;
    const auto compiled = change.old_map.must_compile();
    const auto same = compare(compiled, compiled);
    CHECK_FALSE(same.has_changes());
    CHECK(same.all.is_still());
    CHECK(same.compared == 3);
    CHECK_FALSE(change.compare().has_changes());  // compiled twice, from two folders
  }

  TEST_CASE("where the clients of each country go is told when it is asked for") {
    const Change change;
    change.new_map.write("maps.yaml",
                         replaced(kRules, "{for: US, prefer: [iad]}", "{for: US, prefer: [sin]}"));
    CHECK(change.compare().countries.empty());
    Options options;
    options.by_country = true;
    const auto moved = change.compare(options);
    Amount all;
    for (const auto& country : moved.countries) {
      CAPTURE(country.code);
      Amount sum;
      Amount moves;
      for (const auto& flow : country.flows) {
        sum += flow.amount;
        if (flow.from != flow.to) moves += flow.amount;
      }
      CHECK(sum.v4 == doctest::Approx(country.amount.v4));
      CHECK(sum.v6 == doctest::Approx(country.amount.v6));
      // Two names of three; the third is a view of one datacenter.
      CHECK(moves.v4 == doctest::Approx(country.code == "US" ? 16'777'216 * 2.0 / 3 : 0));
      all += country.amount;
    }
    CHECK(all.v4 == doctest::Approx(moved.all.total.v4));
    CHECK(all.v6 == doctest::Approx(moved.all.total.v6));
    REQUIRE(moved.countries.size() == 6);
    CHECK(moved.countries.front().code == "US");
    CHECK(moved.countries.front().name == "United States");
  }

  TEST_CASE("what moves is counted to the last address") {
    const Change change;
    change.new_map.write("maps.yaml",
                         replaced(kRules, "{for: US, prefer: [iad]}", "{for: US, prefer: [sin]}"));
    const auto moved = change.compare();
    REQUIRE(moved.services.size() == 1);
    CHECK(moved.services[0].names == std::vector<std::string>{"*.cdn.example.com", "www.example.com"});
    const auto& movement = moved.services[0].movement;
    CHECK(movement.moved == Amount{16'777'216, 68'719'476'736, 0});
    CHECK(flows_of(movement) == "iad>sin 16777216/68719476736 ");
    CHECK(movement.total.v4 == 256 + 65'536 + 4 * 16'777'216);
    CHECK(movement.unknown_moved.is_zero());
    // The view of one datacenter stays, so the mean over three names is two thirds.
    CHECK(moved.all.moved.v4 == doctest::Approx(16'777'216 * 2.0 / 3));
    REQUIRE(moved.places.size() == 1);
    CHECK(moved.places[0].code == "US");
    CHECK(moved.places[0].name == "United States");
    CHECK(moved.places[0].moved.v4 == doctest::Approx(16'777'216 * 2.0 / 3));
    CHECK(moved.systems.empty());
    CHECK(max_moved(moved) == doctest::Approx(0.5));  // of IPv6: 2600::/12 of two /12s
  }

  TEST_CASE("a change of weights of two moves the distance between the shares") {
    const Change change;
    change.new_map.write("maps.yaml", replaced(kRules, "{iad: 50, sin: 50}", "{iad: 75, sin: 25}"));
    const auto moved = change.compare();
    REQUIRE(moved.services.size() == 1);
    const auto& flows = moved.services[0].movement.flows;
    REQUIRE(flows.size() == 1);
    CHECK(flows[0].from == "sin");
    CHECK(flows[0].to == "iad");
    CHECK(flows[0].amount.v4 == doctest::Approx(4'194'304));
  }

  TEST_CASE("clients that change places move, though the shares stay") {
    const Change change;
    change.old_map.write(
        "services.yaml",
        "services: {www.example.com: {map: web, overprovision: 1, pools: {iad: [192.0.2.1], sin: "
        "[192.0.2.2]}}}\n");
    change.new_map.write(
        "services.yaml",
        "services: {www.example.com: {map: web, overprovision: 1, pools: {iad: [192.0.2.1], sin: "
        "[192.0.2.2]}}}\n");
    // A tier of two and two tiers draw by other numbers: half of those that could stay do.
    change.new_map.write("maps.yaml", replaced(kRules, "[{iad: 50, sin: 50}]", "[iad, sin]"));
    Options options;
    options.new_states = {{}, {.health = steering::kFull}, {.health = steering::kFull}};
    const auto compiled = change.new_map.must_compile();
    for (std::size_t i = 0; i < 3; ++i) {
      if (compiled.snapshot->datacenters[i].name == "iad") options.new_states[i].health = steering::kFull / 2;
    }
    const auto moved = change.compare(options);
    double japan = 0;
    for (const auto& place : moved.places) {
      if (place.code == "JP") japan = place.moved.v4;
    }
    CHECK(japan == doctest::Approx(16'777'216 / 2).epsilon(0.02));
  }

  TEST_CASE("rules for resolvers move queries without a client subnet, and those alone") {
    const Change change;
    change.new_map.write("maps.yaml", std::string{kRules} + "    resolvers: [{for: DE, prefer: [sin]}]\n");
    const auto moved = change.compare();
    REQUIRE(moved.services.size() == 1);
    CHECK(moved.services[0].movement.is_still());
    REQUIRE(moved.services[0].without_subnet.has_value());
    CHECK(flows_of(*moved.services[0].without_subnet) == "ams>sin 16777216/0 ");
    CHECK(moved.all.is_still());
    REQUIRE(moved.all_without_subnet.has_value());
    CHECK(moved.all_without_subnet->moved.v4 == doctest::Approx(16'777'216 * 2.0 / 3));  // a view stays
    CHECK(moved.places.empty());
    CHECK(moved.has_changes());
    CHECK(max_moved(moved) == doctest::Approx(16'777'216 / moved.all.total.v4));
    // And back: the same map says nothing.
    const auto compiled = change.new_map.must_compile();
    CHECK_FALSE(compare(compiled, compiled).has_changes());
  }

  TEST_CASE("a resolver in private space that a rule names is told") {
    const Change change;
    change.new_map.write("maps.yaml",
                         std::string{kRules} + "    resolvers: [{for: 10.1.0.0/16, prefer: [sin]}]\n");
    const auto moved = change.compare();
    REQUIRE(moved.services.size() == 1);
    CHECK(flows_of(*moved.services[0].without_subnet) == "ams>sin 65536/0 ");
  }

  TEST_CASE("to a name that ignores client subnets every client is a resolver") {
    const Change change;
    for (const auto* map : {&change.old_map, &change.new_map}) {
      map->write("services.yaml",
                 "services: {www.example.com: {map: web, client_subnet: ignore, pools: {ams: [192.0.2.1], "
                 "iad: [192.0.2.2], sin: [192.0.2.3]}}}\n");
    }
    change.new_map.write("maps.yaml", std::string{kRules} + "    resolvers: [{for: DE, prefer: [sin]}]\n");
    const auto moved = change.compare();
    REQUIRE(moved.services.size() == 1);
    CHECK(flows_of(moved.services[0].movement) == "ams>sin 16777216/0 ");
    CHECK_FALSE(moved.services[0].without_subnet.has_value());
    REQUIRE(moved.places.size() == 1);
    CHECK(moved.places[0].code == "DE");
  }

  TEST_CASE("an alias has no endpoints: it is well until its datacenter is assumed away") {
    const Change change;
    change.old_map.write("services.yaml",
                         "services: {www.example.com: {map: web, pools: {ams: {cname: {a.example.net: 70, "
                         "b.example.net: 30}}, iad: [192.0.2.2], sin: [192.0.2.3]}}}\n");
    const auto compiled = change.old_map.must_compile();
    Options options;
    const Assumption drained[] = {{"ams", {.kept = 0}}};
    options.new_states = assumed_states(*compiled.snapshot, drained).value();
    const auto moved = compare(compiled, compiled, options);
    CHECK_FALSE(moved.all.flows.empty());
    for (const auto& flow : moved.all.flows) CHECK(flow.from == "ams");
    CHECK_FALSE(compare(compiled, compiled).has_changes());
  }

  TEST_CASE("space that no database knows is told apart") {
    const Change change;
    change.new_map.write(
        "maps.yaml", replaced(kRules, "{for: everyone, prefer: nearest}", "{for: everyone, prefer: [iad]}"));
    const auto moved = change.compare();
    const auto& movement = moved.services[0].movement;
    CHECK(flows_of(movement) == "sin>iad 65536/0 ");  // Singapore went to the nearest
    // All IPv4 but what is known; private space has the tiers of clients nothing is known of.
    CHECK(movement.unknown_moved.v4 == 4'294'967'296.0 - 256 - 65'536 - 4 * 16'777'216.0);
    CHECK(movement.unknown_moved.v6 > 0);
  }

  TEST_CASE("private space that a new rule names moves, and so does what a rule gives up") {
    const Change change;
    const auto rules =
        replaced(kRules, "{for: everyone", "{for: 10.0.0.0/8, prefer: [iad]}\n      - {for: everyone");
    change.new_map.write("maps.yaml", rules);
    const auto named = change.compare();
    CHECK(flows_of(named.services[0].movement) == "ams>iad 16777216/0 ");  // nothing known: the file's order
    CHECK(named.services[0].movement.unknown_moved.is_zero());
    change.old_map.write("maps.yaml", rules);
    change.new_map.write("maps.yaml", kRules);
    CHECK(flows_of(change.compare().services[0].movement) == "iad>ams 16777216/0 ");
  }

  TEST_CASE("private space between neighbours that moved stays with clients nothing is known of") {
    const Change change;
    test::MmdbWriter writer;  // 172.16.0.0/12 lies between them and has their leaf
    writer.insert("172.0.0.0/12", test::mmdb_map({{"country", test::mmdb_map({{"iso_code", "US"}})}}));
    writer.insert("172.32.0.0/11", test::mmdb_map({{"country", test::mmdb_map({{"iso_code", "US"}})}}));
    change.old_map.set_database(writer);
    change.new_map.set_database(writer);
    change.new_map.write("maps.yaml",
                         replaced(kRules, "{for: US, prefer: [iad]}", "{for: US, prefer: [sin]}"));
    const auto moved = change.compare();
    CHECK(moved.services[0].movement.moved.v4 == 1'048'576 + 2'097'152);
    CHECK(moved.services[0].movement.unknown_moved.is_zero());
  }

  TEST_CASE("another order behind the first datacenter moves nobody now, and is told as that") {
    const Change change;
    change.new_map.write("maps.yaml",
                         replaced(kRules, "{for: US, prefer: [iad]}", "{for: US, prefer: [iad, sin]}"));
    const auto moved = change.compare();
    CHECK(moved.has_changes());
    const auto& movement = moved.services[0].movement;
    CHECK(movement.moved.is_zero());
    CHECK(movement.fallback_moved == Amount{16'777'216, 68'719'476'736, 0});
    CHECK(max_moved(moved) == 0);
  }

  TEST_CASE("a datacenter that is assumed down hands its clients on, and gives them back") {
    const Change change;
    const auto compiled = change.old_map.must_compile();
    Options options;
    const Assumption down[] = {{"ams", {.health = 0}}};
    options.new_states = assumed_states(*compiled.snapshot, down).value();
    const auto lost = compare(compiled, compiled, options);
    REQUIRE(lost.services.size() == 1);
    CHECK(flows_of(lost.services[0].movement) == "ams>iad 16777472/68719476736 ");
    std::swap(options.new_states, options.old_states);
    CHECK(flows_of(compare(compiled, compiled, options).services[0].movement) ==
          "iad>ams 16777472/68719476736 ");
    options.new_states = options.old_states;
    CHECK_FALSE(compare(compiled, compiled, options).has_changes());
  }

  TEST_CASE("half a datacenter hands on what its tier cannot keep") {
    const Change change;
    const auto compiled = change.old_map.must_compile();
    Options options;
    const Assumption half[] = {{"sin", {.health = steering::kFull / 2}}};
    options.new_states = assumed_states(*compiled.snapshot, half).value();
    const auto moved = compare(compiled, compiled, options);
    for (const auto& flow : moved.services[0].movement.flows) CHECK(flow.from == "sin");
    // China has nowhere else to go; Singapore and half of Japan have.
    CHECK(moved.services[0].movement.moved.v4 > 0);
    CHECK(moved.services[0].movement.moved.v4 < 16'777'216);
  }

  TEST_CASE("demand weighs what moves, loads and overloads") {
    const Change change;
    change.old_map.write(
        "services.yaml",
        "services: {www.example.com: {map: web, pools: {ams: [192.0.2.1], iad: [192.0.2.2], sin: "
        "[192.0.2.3]}}}\n");
    change.new_map.write(
        "services.yaml",
        "services: {www.example.com: {map: web, pools: {ams: [192.0.2.1], iad: [192.0.2.2], sin: "
        "[192.0.2.3]}}}\n");
    const char* datacenters =
        "datacenters:\n"
        "  ams: {at: [52.31, 4.76], capacity: 1000}\n"
        "  sin: {at: [1.36, 103.99], capacity: 60}\n"
        "  iad: {at: [38.94, -77.46]}\n";
    change.old_map.write("datacenters.yaml", datacenters);
    change.new_map.write("datacenters.yaml", datacenters);
    change.new_map.write("maps.yaml",
                         replaced(kRules, "{for: US, prefer: [iad]}", "{for: US, prefer: [sin]}"));
    const auto demand = demand_of("8.0.0.0/8 100\n82.0.0.0/8 50\n2600::/12 10\n59.0.0.0/8 15\n");
    Options options;
    options.demand = &demand;
    const auto moved = change.compare(options);
    CHECK(moved.all.total.demand == doctest::Approx(175));
    CHECK(moved.all.moved.demand == doctest::Approx(110));
    CHECK(max_moved_demand(moved) == doctest::Approx(110.0 / 175));
    double sum = 0;
    for (const auto& datacenter : moved.datacenters) {
      sum += datacenter.after.demand;
      if (datacenter.name == "sin") CHECK(datacenter.after.demand == doctest::Approx(125));
      if (datacenter.name == "sin") CHECK(datacenter.before.demand == doctest::Approx(15));
      if (datacenter.name == "sin") CHECK(datacenter.capacity == 60);
    }
    CHECK(sum == doctest::Approx(175));
    REQUIRE(moved.overloads.size() == 1);  // no loss makes it worse: nothing falls back to sin
    CHECK(moved.overloads[0].datacenter == "sin");
    CHECK(moved.overloads[0].lost == "");
    CHECK_FALSE(moved.overloads[0].was_before);
    CHECK(moved.overloads[0].after == doctest::Approx(125));
  }

  TEST_CASE("places that asked nothing are listed by their space") {
    const Change change;
    change.new_map.write(
        "maps.yaml", "maps:\n  web: {rules: [{for: everyone, only: [sin]}, {for: europe, only: [sin]}]}\n");
    const auto demand = demand_of("81.2.69.0/24 5\n");
    Options options;
    options.demand = &demand;
    const auto moved = change.compare(options);
    REQUIRE(moved.places.size() >= 3);
    CHECK(moved.places[0].code == "GB");  // it alone asked
    CHECK(moved.places[1].code == "US");  // IPv4 and IPv6
    CHECK(moved.places[2].code == "DE");
  }

  TEST_CASE("an overload that only the loss of another brings is told with that one") {
    const Change change;
    const char* datacenters =
        "datacenters:\n  ams: {at: [52.31, 4.76]}\n  sin: {at: [1.36, 103.99]}\n"
        "  iad: {at: [38.94, -77.46], capacity: 120}\n";
    change.old_map.write("datacenters.yaml", datacenters);
    change.new_map.write("datacenters.yaml", datacenters);
    const auto demand = demand_of("8.0.0.0/8 100\n82.0.0.0/8 50\n");
    Options options;
    options.demand = &demand;
    const char* services =
        "services: {www.example.com: {map: web, pools: {ams: [192.0.2.1], iad: [192.0.2.2], sin: "
        "[192.0.2.3]}}}\n";
    change.old_map.write("services.yaml", services);
    change.new_map.write("services.yaml", services);
    const auto told = change.compare(options);
    CHECK_FALSE(told.has_changes());
    REQUIRE(told.overloads.size() == 1);
    CHECK(told.overloads[0].datacenter == "iad");
    CHECK(told.overloads[0].lost == "ams");
    CHECK(told.overloads[0].after == doctest::Approx(150));
    CHECK(told.overloads[0].was_before);
  }

  TEST_CASE("names that come, go, and would answer nobody any more") {
    const Change change;
    change.new_map.write(
        "services.yaml",
        "services:\n"
        "  www.example.com: {map: web, pools: {ams: [192.0.2.10], iad: [198.51.100.10], sin: "
        "[203.0.113.10]}}\n"
        "  new.example.com: {map: web, pools: {sin: [203.0.113.11]}}\n");
    change.new_map.write("maps.yaml",
                         "maps:\n  web: {rules: [{for: everyone, only: []}, {for: europe, only: []}]}\n");
    const auto told = change.compare();
    CHECK(told.added == std::vector<std::string>{"new.example.com"});
    CHECK(told.removed == std::vector<std::string>{"*.cdn.example.com", "one.example.com"});
    CHECK(told.emptied ==
          std::vector<std::string>{"*.cdn.example.com", "one.example.com", "www.example.com"});
    for (const auto& flow : told.all.flows) CHECK(flow.to == kNoAddress);
  }

  TEST_CASE("a name that becomes a static record is not empty") {
    const Change change;
    change.new_map.write(
        "services.yaml",
        "services: {www.example.com: {map: web, pools: {ams: [192.0.2.10], iad: [198.51.100.10], "
        "sin: [203.0.113.10]}}}\n");
    change.new_map.write("zones/example.com.zone",
                         "$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.53\none A 192.0.2.80\n"
                         "*.cdn CNAME cdn.example.net.\nalias CNAME www\n");
    const auto told = change.compare();
    CHECK(told.removed.size() == 2);
    CHECK(told.emptied.empty());
  }

  TEST_CASE("another database moves what it places elsewhere") {
    const Change change;
    test::MmdbWriter writer;
    writer.insert("82.0.0.0/8", test::mmdb_map({{"country", test::mmdb_map({{"iso_code", "US"}})}}));
    change.new_map.set_database(writer);
    change.old_map.set_database([] {
      test::MmdbWriter old;
      old.insert("82.0.0.0/8", test::mmdb_map({{"continent", test::mmdb_map({{"code", "EU"}})},
                                               {"country", test::mmdb_map({{"iso_code", "DE"}})}}));
      return old;
    }());
    const auto moved = change.compare();
    CHECK(flows_of(moved.services[0].movement) == "ams>iad 16777216/0 ");
    CHECK(moved.places[0].code == "US");  // as the new database knows it
  }

  TEST_CASE("expectations of the new map are proven") {
    const Change change;
    change.new_map.write("expect.yaml", "expect: [{from: CN, map: web, never: [sin]}]\n");
    const auto told = change.compare();
    CHECK(told.broken.error_count() == 1);
    CHECK(told.has_changes());
  }

  TEST_CASE("a map with other leaves and the same answers is told by its leaves") {
    const Change change;
    const char* services = "services: {www.example.com: {map: web, pools: {ams: [192.0.2.1]}}}\n";
    change.old_map.write("services.yaml", services);
    change.new_map.write("services.yaml", services);
    change.new_map.write("maps.yaml", replaced(kRules, "{for: CN, only: [sin]}",
                                               "{for: CN, prefer: [sin]}\n      - {for: 9.9.9.9, "
                                               "prefer: [sin]}"));
    change.old_map.write("maps.yaml", replaced(kRules, "{for: CN, only: [sin]}", "{for: CN, prefer: [sin]}"));
    const auto told = change.compare();
    CHECK(told.services.empty());
    REQUIRE(told.leaves.size() == 1);
    CHECK(told.leaves[0].v4_after > told.leaves[0].v4_before);
    CHECK(told.leaves[0].v6_after == told.leaves[0].v6_before);
  }
}

}  // namespace meridian::plan

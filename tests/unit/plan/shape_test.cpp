#include "plan/shape.hpp"

#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace meridian::plan {
namespace {

std::string fault(std::string_view text) {
  const auto assumption = parse_assumption(text);
  return assumption ? std::string{} : assumption.error();
}

}  // namespace

TEST_SUITE("plan/shape") {
  TEST_CASE("an assumption is a datacenter and its health") {
    CHECK(parse_assumption("ams down")->datacenter == "ams");
    CHECK(parse_assumption("ams down")->state == AssumedState{.health = 0});
    CHECK(parse_assumption("ams 50%")->state == AssumedState{.health = steering::kFull / 2});
    CHECK(parse_assumption("ams 100%")->state == AssumedState{});
    CHECK(parse_assumption("ams drained")->state == AssumedState{.kept = 0});
    CHECK(parse_assumption("ams shed 25%")->state == AssumedState{.kept = steering::kFull / 4 * 3});
    for (const auto* text : {"ams", "", "down", "ams up", "ams 50", "ams 101%", "ams -1%", " down",
                             "ams shed", "ams shed 25", "ams drained 5%"}) {
      CAPTURE(text);
      CHECK(fault(text) == "'" + std::string{text} +
                               "' is no assumption; write 'ams down', 'ams 50%', 'ams drained' or 'ams shed "
                               "30%'");
    }
  }

  TEST_CASE("of several assumptions the first that is none is told") {
    const std::vector<std::string> wrong{"ams down", "sin", "iad"};
    CHECK(parse_assumptions(wrong).error() == fault("sin"));
    const std::vector<std::string> right{"ams down", "sin 50%"};
    CHECK(parse_assumptions(right).value()[1].datacenter == "sin");
  }

  TEST_CASE("an assumption about a datacenter that is not there is told") {
    const test::MapFixture fixture(MERIDIAN_BINARY_DIR "/share/meridian");
    fixture.write_standard();
    const auto compiled = fixture.must_compile();
    const Assumption wrong[] = {{"amsx", {}}};
    CHECK(assumed_states(*compiled.snapshot, wrong).error() ==
          "the map has no datacenter 'amsx'; did you mean 'ams'?");
    const Assumption right[] = {{"sin", {.health = 7}}, {"sin", {.health = 9, .kept = 5}}};
    CHECK(*assumed_states(*compiled.snapshot, right) ==
          std::vector<AssumedState>{{}, {.health = 7, .kept = 5}, {}});
  }

  TEST_CASE("shapes follow pools, views, at_least and what is assumed") {
    const test::MapFixture fixture(MERIDIAN_BINARY_DIR "/share/meridian");
    fixture.write_standard();
    fixture.write("services.yaml",
                  "services:\n"
                  "  a.example.com: {map: web, pools: {ams: [192.0.2.1], sin: [192.0.2.2]}}\n"
                  "  b.example.com: {map: web, pools: {ams: [192.0.2.3], sin: [192.0.2.4]}}\n"
                  "  c.example.com: {map: web, pools: {ams: {addresses: [192.0.2.5], at_least: 60%}, sin: "
                  "[192.0.2.6]}}\n"
                  "  d.example.com: {datacenter: ams, of: a.example.com}\n");
    const auto compiled = fixture.must_compile();
    const auto up = shapes_of(*compiled.snapshot);
    CHECK(up[0] == up[1]);
    CHECK(up[0] == up[2]);  // at_least means nothing while all are up
    CHECK(up[0].candidates[0].has_pool);
    CHECK_FALSE(up[0].candidates[2].has_pool);  // iad
    CHECK(up[3].fixed == base::DatacenterId{0});
    const std::vector<AssumedState> half{{.health = steering::kFull / 2}, {}, {}};
    const auto sick = shapes_of(*compiled.snapshot, half);
    CHECK(sick[0].candidates[0].health == steering::kFull / 2);
    CHECK(sick[2].candidates[0].health == 0);  // under at_least
    CHECK_FALSE(sick[0] == sick[2]);
    const std::vector<AssumedState> shed{{.kept = steering::kFull / 2}, {}, {}};
    const auto lighter = shapes_of(*compiled.snapshot, shed);
    CHECK(lighter[0].candidates[0].health == steering::kFull / 2);
    CHECK(lighter[2].candidates[0].health == steering::kFull / 2);  // at_least is about endpoints
  }

  TEST_CASE("with too little left a service counts as healthy, as the server has it") {
    const test::MapFixture fixture(MERIDIAN_BINARY_DIR "/share/meridian");
    fixture.write_standard();
    const std::string pools =
        "pools: {ams: [192.0.2.1], iad: [192.0.2.2], sin: {addresses: [192.0.2.3, 192.0.2.4]";
    fixture.write("services.yaml", "services:\n  a.example.com: {map: web, " + pools +
                                       ", at_least: 60%}}}\n"
                                       "  b.example.com: {map: web, min_serving_capacity: 30%, " +
                                       pools + "}}}\n");
    const auto compiled = fixture.must_compile();
    const auto at = [&](const char* name) {
      for (std::size_t i = 0; i < compiled.snapshot->datacenters.size(); ++i) {
        if (compiled.snapshot->datacenters[i].name == name) return i;
      }
      FAIL(name);
      return std::size_t{0};
    };
    const auto up = shapes_of(*compiled.snapshot);
    CHECK_FALSE(up[0].fails_open_without[at("ams")]);  // two thirds would be left

    std::vector<AssumedState> states(3);
    states[at("sin")] = {.health = steering::kFull / 2};
    const auto half = shapes_of(*compiled.snapshot, states);
    CHECK(half[0].fails_open_without[at("ams")]);        // a third: a pool under its at_least is nothing
    CHECK_FALSE(half[1].fails_open_without[at("ams")]);  // a half, and 30 % are enough
    CHECK(half[0].candidates[at("sin")].health == 0);

    states[at("ams")] = {.health = 0};
    states[at("iad")] = {.kept = 0};
    const auto down = shapes_of(*compiled.snapshot, states);
    CHECK(down[0].candidates[at("ams")].health == steering::kFull);
    CHECK(down[0].candidates[at("iad")].health == 0);  // a drain holds, and is no loss
    CHECK(down[1].candidates[at("ams")].health == 0);
    // With nothing at all left on_all_down decides.
    const auto nothing = shapes_of(*compiled.snapshot, std::vector<AssumedState>(3, {.health = 0}));
    for (const auto& candidate : nothing[0].candidates) CHECK(candidate.health == 0);

    const auto lost = static_cast<base::DatacenterId>(at("ams"));
    const std::vector<steering::TierEntry> tiers{
        {.datacenter = lost, .tier = 0},
        {.datacenter = static_cast<base::DatacenterId>(at("iad")), .tier = 1}};
    CHECK(shares_of(half[0], tiers, lost).of.at(0).datacenter == lost);  // it keeps its clients
    CHECK(base::index_of(shares_of(half[1], tiers, lost).of.at(0).datacenter) == at("iad"));
  }
}

}  // namespace meridian::plan

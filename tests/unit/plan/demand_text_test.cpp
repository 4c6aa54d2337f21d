#include "plan/demand_text.hpp"

#include "plan/demand.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::plan {
namespace {

CountedDemand some_counts() {
  return {.site = "ams1",
          .since = "2026-01-01T00:00:00Z",
          .until = "2026-01-01T00:01:40Z",
          .seconds = 100,
          .sample = 16,
          .queries = 1'616,
          .networks = {{"81.2.69.0/24", 1'200, 0}, {"2001:db8:7::/48", 400, 0}, {"192.0.2.0/24", 16, 0}}};
}

/// As if 96 queries of others had been counted, of which each of the two last has some.
CountedDemand doubtful_counts() {
  auto counted = some_counts();
  counted.queries = 1'712;
  counted.networks_evicted = 9;
  counted.missing_max = 64;
  counted.networks = {{"81.2.69.0/24", 1'200, 0},
                      {"2001:db8:7::/48", 432, 32},
                      {"192.0.2.0/24", 80, 64},
                      {"198.51.100.0/24", 0, 0}};
  return counted;
}

TEST_SUITE_BEGIN("plan/demand_text");

TEST_CASE("every count stands on its line, and the comments say of what") {
  CHECK(demand_text(some_counts(), DemandUnit::Queries, 1) ==
        "# site     ams1\n"
        "# since    2026-01-01T00:00:00Z\n"
        "# until    2026-01-01T00:01:40Z, 100.000 s\n"
        "# sample   one steered query in 16 is counted, as so many\n"
        "# unit     queries\n"
        "# total    1616 of 3 networks\n"
        "# error    at most 0 too low on a line; a network without a line had at most 0\n"
        "81.2.69.0/24         1200\n"
        "2001:db8:7::/48      400\n"
        "192.0.2.0/24         16\n");
}

TEST_CASE("a second's queries are those of the whole time by its seconds") {
  const auto text = demand_text(some_counts(), DemandUnit::PerSecond, 1);
  CHECK(text.find("# unit     queries a second\n# total    16.16 of 3 networks\n") != std::string::npos);
  CHECK(text.find("\n81.2.69.0/24         12\n2001:db8:7::/48      4\n192.0.2.0/24         0.16\n") !=
        std::string::npos);
}

TEST_CASE("few queries are left out when asked, and told together") {
  const auto text = demand_text(some_counts(), DemandUnit::Queries, 400);
  CHECK(text.find("# left out 16 of 1 networks with fewer than 400 queries") != std::string::npos);
  CHECK(text.find("a network without a line had at most 16\n") != std::string::npos);
  CHECK(text.find("\n2001:db8:7::/48      400\n") != std::string::npos);
  CHECK(text.find("\n192.0.2.0/24") == std::string::npos);
}

TEST_CASE("what is certain stands on lines, what is not is told") {
  const auto text = demand_text(doubtful_counts(), DemandUnit::Queries, 1);
  CHECK(text.find("# left out 16 of 2 networks of which more is doubtful than certain\n"
                  "# unknown  96 of networks that lost their place to others, 9 times\n"
                  "# error    at most 32 too low on a line; a network without a line had at most 80\n"
                  "81.2.69.0/24         1200\n"
                  "2001:db8:7::/48      400\n") != std::string::npos);
  CHECK(text.ends_with("400\n"));
}

TEST_CASE("lines stand in the order of what is certain") {
  auto counted = some_counts();
  counted.networks = {{"81.2.69.0/24", 1'000, 450}, {"192.0.2.0/24", 900, 0}};
  counted.networks_evicted = 1;
  CHECK(demand_text(counted, DemandUnit::Queries, 1)
            .ends_with("192.0.2.0/24         900\n81.2.69.0/24         550\n"));
}

TEST_CASE("plan reads every text, and sums up what is on lines") {
  for (const auto unit : {DemandUnit::Queries, DemandUnit::PerSecond}) {
    const double per = unit == DemandUnit::Queries ? 1 : 100;
    const auto demand = parse_demand(demand_text(some_counts(), unit, 1), "demand.txt");
    REQUIRE_MESSAGE(demand.has_value(), (demand ? "" : demand.error().to_text()));
    CHECK(demand->total() * per == doctest::Approx(1'616));
    const auto doubtful = parse_demand(demand_text(doubtful_counts(), unit, 1), "demand.txt");
    REQUIRE(doubtful.has_value());
    CHECK(doubtful->total() * per == doctest::Approx(1'600));
  }
  auto tiny = some_counts();
  tiny.seconds = 30e6;  // a year
  const auto parsed = parse_demand(demand_text(tiny, DemandUnit::PerSecond, 1), "demand.txt");
  REQUIRE(parsed.has_value());
  CHECK(parsed->total() == doctest::Approx(1'616 / 30e6).epsilon(0.001));
}

TEST_CASE("nothing counted in no time is a text, too") {
  CountedDemand nothing;
  for (const auto unit : {DemandUnit::Queries, DemandUnit::PerSecond}) {
    const auto text = demand_text(nothing, unit, 1);
    CHECK(text.find("# total    0 of 0 networks\n") != std::string::npos);
    CHECK(parse_demand(text, "demand.txt").has_value());
  }
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::plan

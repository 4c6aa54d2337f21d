#include "control/probe_tally.hpp"

#include "base/limits.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::control {
namespace {

using namespace std::chrono_literals;
using Type = config::Check::Type;

config::Check check(const std::string& name, Type type = Type::Tcp) {
  config::Check check;
  check.name = name;
  check.type = type;
  return check;
}

health::ProbeResult result(bool is_ok, std::chrono::microseconds took) {
  health::ProbeResult result;
  result.is_ok = is_ok;
  result.took = took;
  return result;
}

}  // namespace

TEST_SUITE("control/probe_tally") {
  TEST_CASE("results count by check and type, and durations in the first bucket that holds them") {
    ProbeTally tally;
    tally.add(check("front"), result(true, 1ms));  // the bound belongs to its bucket
    tally.add(check("front"), result(true, 1001us));
    tally.add(check("front"), result(false, 9s));
    tally.add(check("front", Type::Http), result(true, 1ms));
    REQUIRE(tally.counts().size() == 2);
    const auto& tcp = tally.counts().at({"front", "tcp"});
    CHECK(tcp.ok == 2);
    CHECK(tcp.failed == 1);
    CHECK(tcp.buckets.front() == 1);
    CHECK(tcp.buckets[1] == 1);
    CHECK(tcp.buckets.back() == 1);
    CHECK(tcp.sum_us == 9'002'001);
    CHECK(tally.counts().at({"front", "http"}).ok == 1);
  }

  TEST_CASE("what is reported counts as a result and has no duration") {
    ProbeTally tally;
    tally.add(check("worker", Type::Push), result(true, 0us));
    const auto& counts = tally.counts().at({"worker", "push"});
    CHECK(counts.ok == 1);
    CHECK(counts.buckets == ProbeCounts{}.buckets);
  }

  TEST_CASE("checks past the limit count together, and those before it go on for themselves") {
    ProbeTally tally;
    for (std::size_t i = 0; i < base::limits::kMetricChecksMax + 5; ++i)
      tally.add(check("c" + std::to_string(i)), result(true, 1ms));
    tally.add(check("c0"), result(true, 1ms));
    CHECK(tally.counts().size() == base::limits::kMetricChecksMax + 1);
    CHECK(tally.counts().at({kOtherChecks, kOtherChecks}).ok == 5);
    CHECK(tally.counts().at({"c0", "tcp"}).ok == 2);
  }
}

}  // namespace meridian::control

#include "health/check_watch.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace meridian::health {
namespace {

using namespace std::chrono_literals;

const base::MonotonicTime kStart{1h};

}  // namespace

TEST_SUITE("health/check_watch") {
  TEST_CASE("a check is suspect when everything it watches begins to fail within two intervals") {
    struct Failure {
      std::size_t endpoint;
      std::chrono::seconds at;
      bool was_down = false;
    };
    struct Row {
      const char* why;
      std::size_t endpoints;
      std::vector<Failure> failures;
      bool is_suspect;
    };
    const Row rows[] = {
        {"all three within one interval", 3, {{0, 0s}, {1, 1s}, {2, 4s}}, true},
        {"the last one just in time", 3, {{0, 0s}, {1, 1s}, {2, 10s}}, true},
        {"the last one later: they died one by one", 3, {{0, 0s}, {1, 1s}, {2, 11s}}, false},
        {"one is well", 3, {{0, 0s}, {1, 1s}}, false},
        {"one endpoint alone is an endpoint that fails", 1, {{0, 0s}}, false},
        {"two are enough", 2, {{0, 0s}, {1, 0s}}, true},
        {"one was down before, the others fail at once", 3, {{0, 0s, true}, {1, 100s}, {2, 101s}}, true},
        {"all but one were down before", 3, {{0, 0s, true}, {1, 0s, true}, {2, 100s}}, false},
        {"told twice it is still one", 2, {{0, 0s}, {0, 1s}}, false},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CheckWatch watch(row.endpoints, 5s);
      bool is_suspect = false;
      for (const auto& failure : row.failures)
        is_suspect = watch.begin_failing(failure.endpoint, failure.was_down, kStart + failure.at);
      CHECK(is_suspect == row.is_suspect);
      CHECK(watch.suspect_until().has_value() == row.is_suspect);
    }
  }

  TEST_CASE("suspicion lasts ten minutes, is told once, and doubts those that were not down before") {
    CheckWatch watch(3, 5s);
    CHECK_FALSE(watch.begin_failing(0, true, kStart));
    CHECK_FALSE(watch.begin_failing(1, false, kStart + 60s));
    REQUIRE(watch.begin_failing(2, false, kStart + 61s));
    CHECK(watch.suspect_until() == kStart + 61s + 10min);
    CHECK_FALSE(watch.is_doubted(0));
    CHECK(watch.is_doubted(1));
    CHECK(watch.is_doubted(2));
    // One that is well again is in doubt until it is up by itself, for it may count as down until then.
    watch.end_failing(2);
    CHECK(watch.is_doubted(2));
    watch.end_doubt(2);
    CHECK_FALSE(watch.is_doubted(2));
    CHECK(watch.is_doubted(1));
    // If it fails again meanwhile, the check is doubted once more.
    CHECK_FALSE(watch.begin_failing(2, false, kStart + 80s));
    CHECK(watch.is_doubted(2));
    CHECK_FALSE(watch.end_suspicion(kStart + 61s + 10min - 1ms));
    CHECK(watch.end_suspicion(kStart + 61s + 10min));
    CHECK_FALSE(watch.end_suspicion(kStart + 2h));
    CHECK_FALSE(watch.is_doubted(1));
  }

  TEST_CASE("suspicion ends early when nothing fails and nothing is in doubt") {
    CheckWatch watch(2, 5s);
    CHECK_FALSE(watch.begin_failing(0, false, kStart));
    REQUIRE(watch.begin_failing(1, false, kStart));
    watch.end_failing(0);
    watch.end_failing(0);
    CHECK_FALSE(watch.end_suspicion(kStart + 5s));
    watch.end_failing(1);
    CHECK(watch.failing_count() == 0);
    CHECK_FALSE(watch.end_suspicion(kStart + 5s));
    watch.end_doubt(0);
    CHECK_FALSE(watch.end_suspicion(kStart + 5s));
    watch.end_doubt(1);
    CHECK(watch.end_suspicion(kStart + 5s));
  }

  TEST_CASE("what is carried over a reload is judged with what comes") {
    CheckWatch watch(2, 5s);
    watch.carry(0, false, kStart);
    CHECK_FALSE(watch.suspect_until());
    CHECK(watch.begin_failing(1, false, kStart + 3s));
    CheckWatch next(1, 5s);
    next.carry(0, false, kStart);
    next.carry_suspicion(kStart + 600s);
    CHECK_FALSE(next.is_doubted(0));
    next.carry_doubt(0);
    CHECK(next.is_doubted(0));
  }
}

}  // namespace meridian::health

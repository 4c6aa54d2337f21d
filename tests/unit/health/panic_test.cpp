#include "health/panic.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace meridian::health {
namespace {

using namespace std::chrono_literals;

const base::MonotonicTime kStart{1h};

/// Two endpoints in each of three datacenters, 0 to 2.
PanicGuard six() { return PanicGuard({{1, 0}, {1, 0}, {1, 1}, {1, 1}, {1, 2}, {1, 2}}); }

/// Takes them down in turn, a second apart; true: it panicked.
bool take_down(PanicGuard& guard, const std::vector<std::size_t>& members, std::chrono::seconds from = 0s) {
  bool has_panicked = false;
  auto at = kStart + from;
  for (const auto member : members) {
    has_panicked |= guard.want(member, true, at);
    at += 1s;
  }
  return has_panicked;
}

}  // namespace

TEST_SUITE("health/panic") {
  TEST_CASE("more than half of the capacity within a minute is too much, half of it is not") {
    struct Fall {
      std::size_t member;
      std::chrono::seconds at;
    };
    struct Row {
      const char* why;
      std::vector<PanicGuard::Member> members;
      std::vector<Fall> falls;
      bool panics;
    };
    const std::vector<PanicGuard::Member> four{{1, 0}, {1, 0}, {1, 1}, {1, 1}};
    const Row rows[] = {
        {"half goes", four, {{0, 0s}, {1, 1s}}, false},
        {"one more", four, {{0, 0s}, {1, 1s}, {2, 2s}}, true},
        {"one more, at the end of the minute", four, {{0, 0s}, {1, 0s}, {2, 60s}}, true},
        {"one more, when the first are no news", four, {{0, 0s}, {1, 0s}, {2, 61s}}, false},
        {"weight counts, not heads", {{3, 0}, {1, 1}, {1, 1}}, {{0, 0s}}, true},
        {"of little weight", {{3, 0}, {1, 1}, {1, 1}}, {{1, 0s}, {2, 0s}}, false},
        {"one endpoint is all there is", {{1, 0}}, {{0, 0s}}, true},
        {"told twice it is one fall", four, {{0, 0s}, {0, 1s}, {1, 1s}}, false},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      PanicGuard guard(row.members);
      bool panics = false;
      for (const auto& fall : row.falls) panics |= guard.want(fall.member, true, kStart + fall.at);
      CHECK(panics == row.panics);
      CHECK(guard.is_panicking() == row.panics);
    }
  }

  TEST_CASE("in a panic all falls of the minute are taken back, also those that had happened") {
    auto guard = six();
    CHECK_FALSE(take_down(guard, {0}, -120s));
    CHECK_FALSE(take_down(guard, {2, 3, 4}));
    CHECK_FALSE(guard.is_kept(2));
    CHECK(take_down(guard, {5}, 3s));
    CHECK_FALSE(guard.is_kept(0));  // two minutes ago: believed
    for (const std::size_t member : {2u, 3u, 4u, 5u}) CHECK(guard.is_kept(member));
    CHECK(guard.falling_weight() == 4);
    CHECK(guard.total_weight() == 6);
  }

  TEST_CASE(
      "the states are kept for two minutes, then one datacenter a minute goes, the first to fall first") {
    auto guard = six();
    REQUIRE(take_down(guard, {4, 5, 0, 1}));
    const auto began = kStart + 3s;
    CHECK(guard.next_release() == began + 120s);
    CHECK_FALSE(guard.release(began + 119s));
    CHECK(guard.is_kept(4));
    CHECK(guard.release(began + 120s) == 2);
    CHECK_FALSE(guard.is_kept(4));
    CHECK_FALSE(guard.is_kept(5));
    CHECK(guard.is_kept(0));
    CHECK_FALSE(guard.release(began + 120s));
    CHECK_FALSE(guard.release(began + 179s));
    CHECK(guard.release(began + 180s) == 0);
    CHECK_FALSE(guard.is_panicking());
    CHECK_FALSE(guard.release(began + 1h));
    CHECK(guard.is_wanted_down(4));
  }

  TEST_CASE("what falls meanwhile waits for its datacenter's turn") {
    auto guard = six();
    REQUIRE(take_down(guard, {0, 1, 2, 4}));
    CHECK_FALSE(take_down(guard, {3}, 100s));
    CHECK(guard.is_kept(3));
    CHECK(guard.release(kStart + 123s) == 0);
    CHECK(guard.release(kStart + 183s) == 1);
    CHECK_FALSE(guard.is_kept(3));
    CHECK(guard.is_kept(4));
  }

  TEST_CASE("a panic ends with the last one that is well again, and what was let go starts no second one") {
    auto guard = six();
    REQUIRE(take_down(guard, {0, 1, 2, 3}));
    for (const std::size_t member : {0u, 1u, 2u}) CHECK_FALSE(guard.want(member, false, kStart + 20s));
    CHECK(guard.is_panicking());
    CHECK_FALSE(guard.want(3, false, kStart + 21s));
    CHECK_FALSE(guard.is_panicking());

    REQUIRE(take_down(guard, {0, 1, 2, 3}, 100s));
    CHECK_FALSE(take_down(guard, {4}, 210s));
    CHECK(guard.release(kStart + 223s) == 0);
    CHECK(guard.release(kStart + 283s) == 1);
    CHECK(guard.release(kStart + 343s) == 2);
    CHECK_FALSE(guard.is_panicking());
    CHECK_FALSE(take_down(guard, {5}, 344s));
  }

  TEST_CASE("what a panic let go does not count towards the next one, however late it fell") {
    PanicGuard guard({{3, 0}, {3, 1}, {4, 0}, {1, 1}});
    CHECK_FALSE(guard.want(0, true, kStart));
    REQUIRE(guard.want(1, true, kStart));
    CHECK_FALSE(guard.want(2, true, kStart + 110s));
    CHECK_FALSE(guard.want(1, false, kStart + 115s));
    CHECK(guard.release(kStart + 120s) == 0);
    CHECK_FALSE(guard.is_panicking());
    CHECK_FALSE(guard.want(1, true, kStart + 130s));
    CHECK_FALSE(guard.want(3, true, kStart + 131s));
  }

  TEST_CASE("what was down before anybody looked is no fall") {
    auto guard = six();
    for (const std::size_t member : {0u, 1u, 2u}) guard.carry_down(member);
    CHECK(guard.is_wanted_down(0));
    CHECK_FALSE(take_down(guard, {3}));
    CHECK_FALSE(guard.is_panicking());
  }

  TEST_CASE("a panic goes on in another guard") {
    auto guard = six();
    guard.carry_fall(0, kStart, true);
    guard.carry_fall(2, kStart + 1s, true);
    guard.carry_panic(kStart + 120s);
    CHECK(guard.is_kept(0));
    CHECK(guard.release(kStart + 120s) == 0);
    CHECK(guard.release(kStart + 180s) == 1);
    CHECK_FALSE(guard.is_panicking());
  }
}

}  // namespace meridian::health

#include "probe/push_leases.hpp"

#include <doctest/doctest.h>

using namespace meridian;
using namespace std::chrono_literals;

namespace {
constexpr base::MonotonicTime kStart{1h};
}

TEST_SUITE("probe/push_leases") {
  TEST_CASE("a report holds for its lease and then fails, once for each lease that goes by") {
    probe::PushLeases leases{2};
    CHECK(leases.report(1, {.is_ok = true, .cause = {}, .weight_percent = {}}, 30, kStart).is_ok);
    CHECK(leases.next_end() == kStart + 30s);
    CHECK(leases.expire(kStart + 29s).empty());
    for (int lease = 1; lease <= 3; ++lease) {
      const auto over = leases.expire(kStart + 30s * lease);
      REQUIRE(over.size() == 1);
      CHECK(over[0].target == 1);
      CHECK_FALSE(over[0].result.is_ok);
      CHECK(over[0].result.cause == "push: no report for 30 s");
      CHECK(leases.expire(kStart + 30s * lease).empty());
    }
  }

  TEST_CASE("what never reported fails nothing") {
    probe::PushLeases leases{3};
    CHECK_FALSE(leases.next_end().has_value());
    CHECK(leases.expire(kStart + 24h).empty());
  }

  TEST_CASE("a report renews the lease, and says why it is down in one line") {
    probe::PushLeases leases{1};
    static_cast<void>(leases.report(0, {.is_ok = true, .cause = {}, .weight_percent = 40}, 10, kStart));
    const auto result =
        leases.report(0, {.is_ok = false, .cause = "disk\nfull", .weight_percent = {}}, 10, kStart + 9s);
    CHECK_FALSE(result.is_ok);
    CHECK(result.cause == "disk?full");
    CHECK(leases.next_end() == kStart + 19s);
    CHECK(leases.report(0, {.is_ok = true, .cause = {}, .weight_percent = 400}, 10, kStart).weight_percent ==
          100);
    CHECK(leases.report(0, {.is_ok = false, .cause = {}, .weight_percent = {}}, 10, kStart).cause ==
          "the endpoint says that it is down");
  }

  TEST_CASE("a lease moves to a new epoch") {
    probe::PushLeases old{2};
    static_cast<void>(old.report(1, {.is_ok = true, .cause = {}, .weight_percent = {}}, 10, kStart));
    probe::PushLeases fresh{1};
    fresh.carry(0, old, 1);
    CHECK(fresh.next_end() == kStart + 10s);
  }
}

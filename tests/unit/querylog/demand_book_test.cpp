#include "querylog/demand_book.hpp"

#include "base/limits.hpp"
#include "support/manual_clock.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::querylog {
namespace {

base::IpAddress address(const char* text) { return *base::parse_ip_address(text); }

struct Fixture {
  test::ManualClock clock;
  DemandBook book{clock};

  Fixture() { book.set_sample(16); }

  void add(const char* client, std::uint32_t queries) { CHECK_FALSE(book.add(address(client), queries)); }
};

TEST_SUITE_BEGIN("querylog/demand_book");

TEST_CASE("a client counts as its /24 or /48, and as IPv4 where IPv6 carries it") {
  struct Row {
    const char* why;
    const char* client;
    const char* network;
  };
  const Row rows[] = {
      {"IPv4", "203.0.113.77", "203.0.113.0/24"},
      {"the highest IPv4", "255.255.255.255", "255.255.255.0/24"},
      {"IPv6", "2001:db8:7:8:9::1", "2001:db8:7::/48"},
      {"the highest IPv6", "ffff:ffff:ffff:ffff::", "ffff:ffff:ffff::/48"},
      {"an IPv4 network's bits in IPv6", "::1:0:0:0", "::/48"},
      {"mapped", "::ffff:203.0.113.77", "203.0.113.0/24"},
      {"NAT64", "64:ff9b::203.0.113.77", "203.0.113.0/24"},
      {"6to4", "2002:cb00:714d::1", "203.0.113.0/24"},
  };
  test::ManualClock clock;
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(base::to_string(demand_network(address(row.client))) == row.network);
    DemandBook book(clock);
    book.set_sample(1);
    CHECK_FALSE(book.add(address(row.client), 1));
    REQUIRE(book.report()->networks.size() == 1);
    CHECK(base::to_string(book.report()->networks[0].network) == row.network);
  }
}

TEST_CASE_FIXTURE(Fixture, "the report has the networks with the most queries first") {
  add("203.0.113.1", 16);
  add("2001:db8:7::1", 16);
  add("203.0.113.2", 16);
  add("192.0.2.1", 16);
  clock.pass(std::chrono::seconds(90));
  const auto report = book.report();
  REQUIRE(report);
  CHECK(report->networks == std::vector<CountedNetwork>{{*base::parse_ip_prefix("203.0.113.0/24"), 32, 0},
                                                        {*base::parse_ip_prefix("192.0.2.0/24"), 16, 0},
                                                        {*base::parse_ip_prefix("2001:db8:7::/48"), 16, 0}});
  CHECK(report->totals.queries == 64);
  CHECK(report->totals.networks == 3);
  CHECK(report->totals.sample == 16);
  CHECK(report->totals.lasted == std::chrono::seconds(90));
  CHECK(report->totals.since + std::chrono::seconds(90) == clock.wall());
}

TEST_CASE_FIXTURE(Fixture, "what is taken is counted no more, and time begins anew") {
  add("203.0.113.1", 5);
  clock.pass(std::chrono::seconds(10));
  CHECK(book.take_report()->totals.queries == 5);
  add("192.0.2.1", 7);
  clock.pass(std::chrono::seconds(1));
  const auto report = book.report();
  CHECK(report->totals.queries == 7);
  CHECK(report->networks.size() == 1);
  CHECK(report->totals.lasted == std::chrono::seconds(1));
}

TEST_CASE_FIXTURE(Fixture, "another sample goes on counting, off forgets") {
  add("203.0.113.1", 16);
  book.set_sample(4);
  add("203.0.113.1", 4);
  CHECK(book.totals()->queries == 20);
  CHECK(book.totals()->sample == 4);
  book.set_sample(0);
  add("203.0.113.1", 4);
  CHECK_FALSE(book.totals());
  CHECK_FALSE(book.report());
  CHECK_FALSE(book.take_report());
  book.set_sample(4);
  CHECK(book.totals()->queries == 0);
}

TEST_CASE_FIXTURE(Fixture, "past its places it says so, and how much a missing network may have") {
  const auto count = static_cast<std::uint32_t>(base::limits::kDemandCountedMax);
  for (std::uint32_t i = 0; i < count; ++i) CHECK_FALSE(book.add(base::IpAddress::v4(i << 8), 16));
  CHECK(book.totals()->missing_max == 0);
  CHECK(book.add(base::IpAddress::v4(count << 8), 16));
  CHECK(book.totals()->evicted == 1);
  CHECK(book.totals()->missing_max == 16);
  const auto report = book.report();
  CHECK(report->networks.size() == count);
  CHECK(report->networks[0].queries == 32);
  CHECK(report->networks[0].error == 16);
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::querylog

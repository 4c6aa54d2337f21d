#include "querylog/demand_sink.hpp"

#include "support/manual_clock.hpp"
#include "unit/querylog/records.hpp"

#include <doctest/doctest.h>

namespace meridian::querylog {
namespace {

using stats::Counter;

struct Fixture {
  test::ManualClock clock;
  stats::Counters counters;
  DemandBook book{clock};
  DemandSink sink{book, counters};

  Fixture() { book.set_sample(1); }

  /// The one network that a query from 198.51.100.7 counts for.
  std::string counted(const test::QuerySpec& spec, bool by_client_subnet) {
    auto summary = test::steered_summary();
    summary.by_client_subnet = by_client_subnet;
    const auto query = test::build_query("www.example.com", dns::Rtype::A, spec);
    const auto bytes = test::record_of(test::some_facts(), summary, query, {});
    sink.put(read_record(bytes));
    const auto report = book.take_report();
    REQUIRE(report->networks.size() == 1);
    CHECK(report->networks[0].queries == 100);  // the facts' sample
    return base::to_string(report->networks[0].network);
  }
};

TEST_SUITE_BEGIN("querylog/demand_sink");

TEST_CASE_FIXTURE(Fixture, "the client is who decided the answer") {
  struct Row {
    const char* why;
    const char* subnet;
    bool by_client_subnet;
    const char* network;
  };
  const Row rows[] = {
      {"a /24", "203.0.113.0/24", true, "203.0.113.0/24"},
      {"a longer one", "203.0.113.64/26", true, "203.0.113.0/24"},
      {"a shorter one counts as its first /24, by which it was answered", "203.0.0.0/16", true,
       "203.0.0.0/24"},
      {"IPv6", "2001:db8:7:800::/56", true, "2001:db8:7::/48"},
      {"shorter IPv6", "2001:db8::/32", true, "2001:db8::/48"},
      {"6to4", "2002:cb00:7100::/40", true, "203.0.113.0/24"},
      {"a subnet that did not decide", "10.0.0.0/24", false, "198.51.100.0/24"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(counted({.client_subnet = *base::parse_ip_prefix(row.subnet)}, row.by_client_subnet) ==
          row.network);
  }
  CHECK(counted({}, false) == "198.51.100.0/24");
  CHECK(counters.value(Counter::DemandQueries) == 8);
  CHECK(counters.value(Counter::DemandEvicted) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a network that loses its place is counted") {
  auto facts = test::some_facts();
  auto summary = test::steered_summary();
  summary.by_client_subnet = false;
  for (std::uint32_t i = 0; i < base::limits::kDemandCountedMax + 3; ++i) {
    facts.client = base::IpAddress::v4(i << 8);
    const auto bytes = test::record_of(facts, summary, {}, {});
    sink.put(read_record(bytes));
  }
  CHECK(counters.value(Counter::DemandEvicted) == 3);
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::querylog

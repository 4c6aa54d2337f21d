#include "control/answer_totals.hpp"

#include "base/limits.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::control {
namespace {

/// `count` services of one pool each in one datacenter.
std::shared_ptr<query::Snapshot> snapshot_of(std::size_t count, const std::string& datacenter) {
  auto snapshot = std::make_shared<query::Snapshot>();
  snapshot->datacenters.push_back({datacenter, 1});
  for (std::size_t i = 0; i < count; ++i) {
    query::Service service;
    service.name = "s" + std::to_string(i);
    service.pools = {static_cast<base::PoolId>(i)};
    snapshot->services.push_back(service);
    snapshot->pools.emplace_back();
  }
  return snapshot;
}

void answer(const query::Tables& tables, std::size_t thread, std::size_t pool) {
  query::Summary summary;
  summary.kind = query::AnswerKind::Steered;
  summary.service = static_cast<base::ServiceId>(pool);
  summary.pool = static_cast<base::PoolId>(pool);
  summary.by_client_subnet = true;
  auto* const tally = tables.tally_of(thread);
  REQUIRE(tally != nullptr);
  tally->add(tally->cells_of(summary, false), 24);
}

}  // namespace

TEST_SUITE("control/answer_totals") {
  TEST_CASE("all threads and epochs are summed by name, and an epoch that is gone stays in the sum") {
    AnswerTotals totals;
    const auto first = snapshot_of(2, "ams");
    auto old = std::make_shared<query::Tables>(*first, nullptr, 2);
    totals.take(*first, old);
    answer(*old, 0, 1);
    answer(*old, 1, 1);
    const auto second = snapshot_of(2, "ams");
    std::swap(second->services[0].name, second->services[1].name);  // the same names under other numbers
    const auto tables = std::make_shared<query::Tables>(*second, nullptr, 2);
    totals.take(*second, tables);
    answer(*tables, 0, 0);
    answer(*old, 0, 1);  // a worker that has yet to take the new epoch
    const AnswerSeries series{"s1", "ams", query::TallyReason::Preferred};
    CHECK(totals.collect().series.at(series) == 4);
    const std::weak_ptr<query::Tables> watched = old;
    old.reset();
    for (int i = 0; i < 2; ++i) {
      const auto sums = totals.collect();
      CHECK(watched.expired());
      CHECK(sums.series.at(series) == 4);
      CHECK(sums.series.size() == 1);
      CHECK(sums.rcodes[0] == 4);
      CHECK(sums.scopes[24] == 4);
    }
  }

  TEST_CASE("series past the limit are counted as other, and those that have one keep it") {
    AnswerTotals totals;
    const auto count = base::limits::kMetricAnswerSeriesMax;
    const auto first = snapshot_of(count, "ams");
    const auto tables = std::make_shared<query::Tables>(*first, nullptr, 1);
    totals.take(*first, tables);
    for (std::size_t i = 0; i < count; ++i) answer(*tables, 0, i);
    CHECK(totals.collect().series.size() == count);
    const auto second = snapshot_of(count, "iad");
    const auto more = std::make_shared<query::Tables>(*second, nullptr, 1);
    totals.take(*second, more);
    answer(*more, 0, 0);
    answer(*more, 0, 1);
    answer(*tables, 0, 0);
    const auto sums = totals.collect();
    CHECK(sums.series.size() == count + 1);
    CHECK(sums.series.at({"other", "other", query::TallyReason::Preferred}) == 2);
    CHECK(sums.series.at({"s0", "ams", query::TallyReason::Preferred}) == 2);
  }

  TEST_CASE("tables without tallies are no trouble") {
    AnswerTotals totals;
    const auto snapshot = snapshot_of(1, "ams");
    totals.take(*snapshot, std::make_shared<query::Tables>(*snapshot));
    CHECK(totals.collect().series.empty());
  }
}

}  // namespace meridian::control

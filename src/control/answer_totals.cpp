#include "control/answer_totals.hpp"

#include "base/limits.hpp"

#include <atomic>
#include <utility>

namespace meridian::control {

void AnswerTotals::take(const query::Snapshot& snapshot, std::shared_ptr<const query::Tables> tables) {
  Epoch epoch{.tables = std::move(tables), .pools = std::vector<PoolName>(snapshot.pools.size())};
  for (const auto& service : snapshot.services) {
    // A view answers with another service's pool, and counts as that one's.
    if (service.fixed_pool != base::kNoPool) continue;
    for (const auto id : service.pools) {
      if (id == base::kNoPool) continue;
      const auto datacenter = snapshot.pools[base::index_of(id)].datacenter;
      epoch.pools[base::index_of(id)] = {service.name, snapshot.datacenters[base::index_of(datacenter)].name};
    }
    if (service.sorry_pool != base::kNoPool)
      epoch.pools[base::index_of(service.sorry_pool)] = {service.name, "sorry"};
  }
  const std::lock_guard lock(mutex_);
  epochs_.push_back(std::move(epoch));
  fold_retired();
}

AnswerSums AnswerTotals::collect() {
  const std::lock_guard lock(mutex_);
  fold_retired();
  auto sums = folded_;
  for (const auto& epoch : epochs_) add(epoch, sums);
  return sums;
}

/// Under the lock. Nobody else has the tables: nobody can get them any more, so nothing counts in them.
void AnswerTotals::fold_retired() {
  std::erase_if(epochs_, [&](const Epoch& epoch) {
    if (epoch.tables.use_count() != 1) return false;
    // Who let go last wrote before that.
    std::atomic_thread_fence(std::memory_order_acquire);
    add(epoch, folded_);
    return true;
  });
}

void AnswerTotals::add(const Epoch& epoch, AnswerSums& sums) {
  for (const auto& tally : epoch.tables->tallies) {
    for (std::size_t i = 0; i < sums.rcodes.size(); ++i) sums.rcodes[i] += tally->by_rcode(i);
    for (std::size_t i = 0; i < sums.scopes.size(); ++i) sums.scopes[i] += tally->by_scope(i);
    for (std::size_t pool = 0; pool < tally->pool_count(); ++pool) {
      const bool is_named = pool + 1 < tally->pool_count() && !epoch.pools[pool].service.empty();
      for (std::size_t number = 0; number < query::kTalliedReasons; ++number) {
        const auto reason = static_cast<query::TallyReason>(number);
        const auto count = tally->by_pool(pool, reason);
        if (count == 0) continue;
        const AnswerSeries series{is_named ? epoch.pools[pool].service : kOtherSeries,
                                  is_named ? epoch.pools[pool].datacenter : kOtherSeries, reason};
        sums.series[own_or_other(series)] += count;
      }
    }
  }
}

/// Once `other`, always `other`: a counter that changed its series would go back.
AnswerSeries AnswerTotals::own_or_other(AnswerSeries series) {
  if (own_.contains(series)) return series;
  if (own_.size() < base::limits::kMetricAnswerSeriesMax) {
    own_.insert(series);
    return series;
  }
  series.service = series.datacenter = kOtherSeries;
  return series;
}

}  // namespace meridian::control

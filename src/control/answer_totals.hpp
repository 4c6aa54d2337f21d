// What all workers answered from all snapshots, by names: the sum of the tallies of epochs that serve or
// served.
//
// Thread-safe. The builder hands in each epoch's tables, the metrics page collects. An epoch that no worker
// has any more is folded into the sum and let go.
#pragma once

#include "query/answer_tally.hpp"
#include "query/snapshot.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace meridian::control {

struct AnswerSeries {
  std::string service;
  std::string datacenter;
  query::TallyReason reason{};

  friend auto operator<=>(const AnswerSeries&, const AnswerSeries&) = default;
};

/// What stands for series beyond limits::kMetricAnswerSeriesMax.
inline constexpr const char* kOtherSeries = "other";

struct AnswerSums {
  std::map<AnswerSeries, std::uint64_t> series;
  std::array<std::uint64_t, 2 * query::kRcodeCells> rcodes{};  ///< UDP, then TCP
  std::array<std::uint64_t, query::kScopeCells> scopes{};
};

class AnswerTotals {
 public:
  /// `tables` are the snapshot's and may have tallies.
  void take(const query::Snapshot& snapshot, std::shared_ptr<const query::Tables> tables);

  [[nodiscard]] AnswerSums collect();

 private:
  struct PoolName {
    std::string service;
    std::string datacenter;
  };
  struct Epoch {
    std::shared_ptr<const query::Tables> tables;
    std::vector<PoolName> pools;  ///< by PoolId; empty names: of no service
  };

  void fold_retired();
  void add(const Epoch& epoch, AnswerSums& sums);
  [[nodiscard]] AnswerSeries own_or_other(AnswerSeries series);

  std::mutex mutex_;
  std::vector<Epoch> epochs_;
  AnswerSums folded_;
  std::set<AnswerSeries> own_;  ///< that have a series of their own, for good
};

}  // namespace meridian::control

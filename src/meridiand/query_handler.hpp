// What net/ calls with each batch: takes the snapshot once and answers every packet from it.
#pragma once

#include "base/clock.hpp"
#include "base/published.hpp"
#include "control/reloader.hpp"
#include "net/handler.hpp"
#include "query/answer.hpp"

#include <cstdint>

namespace meridian::meridiand {

class QueryHandler final : public net::BatchHandler {
 public:
  /// `serving`, `clock` and `counters` outlive the handler.
  QueryHandler(const base::Published<control::Serving>& serving, const base::Clock& clock,
               stats::Counters& counters, std::uint64_t seed)
      : reader_(serving), clock_(clock), worker_{.counters = counters, .random = base::Random(seed)} {}

  void answer_batch(std::span<net::Exchange> batch) noexcept override {
    const control::Serving& serving = reader_.current();
    worker_.now = clock_.coarse();
    for (auto& exchange : batch) {
      exchange.reply_bytes =
          query::answer_query(*serving.snapshot, *serving.tables, {exchange.peer.address, exchange.peer.tcp},
                              exchange.query, exchange.reply, worker_);
    }
  }

  void refresh() noexcept override { static_cast<void>(reader_.current()); }

 private:
  base::Published<control::Serving>::Reader reader_;
  const base::Clock& clock_;
  query::Worker worker_;
};

}  // namespace meridian::meridiand

// What net/ calls with each batch: takes the snapshot once and answers every packet from it.
#pragma once

#include "base/clock.hpp"
#include "base/published.hpp"
#include "control/reloader.hpp"
#include "net/handler.hpp"
#include "query/answer.hpp"
#include "querylog/tap.hpp"

#include <cstdint>
#include <memory>
#include <utility>

namespace meridian::meridiand {

class QueryHandler final : public net::BatchHandler {
 public:
  /// `serving`, `clock` and `counters` outlive the handler.
  QueryHandler(const base::Published<control::Serving>& serving, const base::Clock& clock,
               std::shared_ptr<querylog::Tap> tap, stats::Counters& counters, std::uint64_t seed)
      : reader_(serving),
        clock_(clock),
        tap_(std::move(tap)),
        worker_{.counters = counters, .random = base::Random(seed)} {}

  void answer_batch(std::span<net::Exchange> batch) noexcept override {
    const control::Serving& serving = reader_.current();
    worker_.now = clock_.coarse();
    const bool is_noted = tap_->begin_batch(batch.size());
    for (auto& exchange : batch) {
      exchange.reply_bytes =
          query::answer_query(*serving.snapshot, *serving.tables, {exchange.peer.address, exchange.peer.tcp},
                              exchange.query, exchange.reply, worker_);
      if (is_noted) tap_->note(exchange, *serving.snapshot, worker_.summary);
    }
  }

  void refresh() noexcept override { static_cast<void>(reader_.current()); }

 private:
  base::Published<control::Serving>::Reader reader_;
  const base::Clock& clock_;
  std::shared_ptr<querylog::Tap> tap_;
  query::Worker worker_;
};

}  // namespace meridian::meridiand

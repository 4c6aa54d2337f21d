// What net/ calls with each batch: takes the snapshot once and answers every packet from it.
#pragma once

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/published.hpp"
#include "control/reloader.hpp"
#include "net/handler.hpp"
#include "query/answer.hpp"
#include "query/asked.hpp"
#include "querylog/tap.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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
    for (std::size_t i = 0; i < batch.size(); ++i)
      asked_[i].emplace(*serving.snapshot, source_of(batch[i]), batch[i].query);
    for (std::size_t i = 0; i < batch.size(); ++i) asked_[i]->fetch_records_ahead();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto& exchange = batch[i];
      exchange.reply_bytes = query::answer_query(*serving.snapshot, *serving.tables, source_of(exchange),
                                                 *asked_[i], exchange.query, exchange.reply, worker_);
      if (is_noted) tap_->note(exchange, *serving.snapshot, worker_.summary);
    }
  }

  void refresh() noexcept override { static_cast<void>(reader_.current()); }

 private:
  static query::Source source_of(const net::Exchange& exchange) noexcept {
    return {exchange.peer.address, exchange.peer.tcp};
  }

  base::Published<control::Serving>::Reader reader_;
  const base::Clock& clock_;
  std::shared_ptr<querylog::Tap> tap_;
  query::Worker worker_;
  /// Of the batch: all are read, then all are answered; see query/asked.hpp.
  std::array<std::optional<query::Asked>, base::limits::kUdpBatch> asked_;
};

}  // namespace meridian::meridiand

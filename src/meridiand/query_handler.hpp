// What net/ calls with each batch: takes the snapshot once and answers every packet from it.
#pragma once

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/published.hpp"
#include "control/reloader.hpp"
#include "net/handler.hpp"
#include "query/answerer.hpp"
#include "querylog/tap.hpp"
#include "stats/latency.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace meridian::meridiand {

class QueryHandler final : public net::BatchHandler {
 public:
  /// What one thread has for itself.
  struct Thread {
    std::size_t index;  ///< in Tables::tallies
    stats::Counters& counters;
    stats::LatencyBlock& latency;
    std::uint64_t seed;
  };

  /// `serving`, `clock` and what `thread` names outlive the handler.
  QueryHandler(const base::Published<control::Serving>& serving, const base::Clock& clock,
               std::shared_ptr<querylog::Tap> tap, const Thread& thread)
      : reader_(serving),
        clock_(clock),
        tap_(std::move(tap)),
        latency_(thread.latency),
        answerer_(thread.counters, thread.seed, thread.index) {}

  void answer_batch(std::span<net::Exchange> batch) noexcept override {
    if (++batches_ % base::limits::kLatencySampleBatches != 0) return answer(batch);
    const auto start = clock_.monotonic();
    answer(batch);
    latency_.add(clock_.monotonic() - start, batch.size());
  }

  void refresh() noexcept override { static_cast<void>(reader_.current()); }

 private:
  void answer(std::span<net::Exchange> batch) noexcept {
    const control::Serving& serving = reader_.current();
    const bool is_noted = tap_->begin_batch(batch.size());
    answerer_.begin_batch(*serving.snapshot, *serving.tables, reader_.generation(), clock_.coarse(),
                          is_noted);
    const auto note = [&](const net::Exchange& exchange) {
      if (is_noted) tap_->note(exchange, *serving.snapshot, answerer_.summary());
    };
    for (std::size_t i = 0; i < batch.size(); ++i) answerer_.look(i, source_of(batch[i]), batch[i].query);
    answerer_.find(batch.size());
    std::size_t left = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto& exchange = batch[i];
      const auto size = answerer_.answer_kept(i, exchange.reply);
      if (!size) {
        left_[left++] = i;
        continue;
      }
      exchange.reply_bytes = *size;
      note(exchange);
    }
    for (std::size_t i = 0; i < left; ++i) answerer_.read(left_[i]);
    for (std::size_t i = 0; i < left; ++i) answerer_.fetch_ahead(left_[i]);
    for (std::size_t i = 0; i < left; ++i) {
      auto& exchange = batch[left_[i]];
      exchange.reply_bytes = answerer_.answer_anew(left_[i], exchange.reply);
      note(exchange);
    }
  }

  static query::Source source_of(const net::Exchange& exchange) noexcept {
    return {exchange.peer.address, exchange.peer.tcp};
  }

  base::Published<control::Serving>::Reader reader_;
  const base::Clock& clock_;
  std::shared_ptr<querylog::Tap> tap_;
  stats::LatencyBlock& latency_;
  std::uint32_t batches_ = 0;
  query::Answerer answerer_;
  std::array<std::size_t, base::limits::kUdpBatch> left_{};  ///< of the batch: what had no kept answer
};

}  // namespace meridian::meridiand

// Demand's sink: each sampled query goes into the book, as many times as it stands for.
#pragma once

#include "querylog/demand_book.hpp"
#include "querylog/sink.hpp"
#include "stats/counters.hpp"

namespace meridian::querylog {

class DemandSink final : public Sink {
 public:
  /// `book` and `counters`, the writer thread's block, outlive the sink.
  DemandSink(DemandBook& book, stats::Counters& counters) : book_(book), counters_(counters) {}

  void open() override {}
  void put(const Record& record) override;
  void flush() override {}

 private:
  DemandBook& book_;
  stats::Counters& counters_;
};

}  // namespace meridian::querylog

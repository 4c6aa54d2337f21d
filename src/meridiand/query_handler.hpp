// What net/ calls with each batch: takes the snapshot once and answers every packet from it.
#pragma once

#include "base/published.hpp"
#include "control/reloader.hpp"
#include "net/handler.hpp"
#include "query/answer.hpp"

#include <cstdint>
#include <string>

namespace meridian::meridiand {

class QueryHandler final : public net::BatchHandler {
 public:
  /// `serving` and `counters` outlive the handler; `nsid` is the site's name.
  QueryHandler(const base::Published<control::Serving>& serving, stats::Counters& counters,
               const std::string& nsid, std::uint64_t seed)
      : reader_(serving), nsid_(nsid.begin(), nsid.end()), worker_{counters, base::Random(seed), nsid_} {}

  void answer_batch(std::span<net::Exchange> batch) noexcept override {
    const control::Serving& serving = reader_.current();
    for (auto& exchange : batch) {
      exchange.reply_bytes =
          query::answer_query(*serving.snapshot, *serving.tables, {exchange.peer.address, exchange.peer.tcp},
                              exchange.query, exchange.reply, worker_);
    }
  }

 private:
  base::Published<control::Serving>::Reader reader_;
  std::vector<std::uint8_t> nsid_;
  query::Worker worker_;
};

}  // namespace meridian::meridiand

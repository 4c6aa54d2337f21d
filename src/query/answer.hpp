// The life of a query: one packet in, one packet out.
//
// Start reading at answer.cpp; docs/life-of-a-query.md tells the same story in words. HOT: no allocation,
// lock, clock, exception or log line.
#pragma once

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "base/random.hpp"
#include "query/snapshot.hpp"
#include "query/summary.hpp"
#include "stats/counters.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace meridian::query {

/// Where a packet came from.
struct Source {
  base::IpAddress address;
  bool is_tcp = false;
};

/// What one thread brings along and nobody else touches.
struct Worker {
  stats::Counters& counters;
  base::Random random;
  base::CoarseTime now{};        ///< Set by the caller once a batch.
  Summary summary{};             ///< Of the last answer_query.
  AnswerTally* tally = nullptr;  ///< Of the tables in use; nullptr: nothing is tallied.
};

class Asked;

/// Answers one packet into `reply`, which must hold limits::kUdpAnswerBytesMax for UDP and up to
/// limits::kTcpMessageBytesMax for TCP. Returns the reply's size; 0 means "say nothing". The caller keeps
/// `snapshot` alive and unchanged for the call; `tables` change under us, so each cell is read once.
[[nodiscard]] std::size_t answer_query(const Snapshot& snapshot, const Tables& tables, const Source& source,
                                       std::span<const std::uint8_t> packet, std::span<std::uint8_t> reply,
                                       Worker& worker) noexcept;

/// The same for a packet that was read before, with the same snapshot and source.
[[nodiscard]] std::size_t answer_query(const Snapshot& snapshot, const Tables& tables, const Source& source,
                                       const Asked& asked, std::span<const std::uint8_t> packet,
                                       std::span<std::uint8_t> reply, Worker& worker) noexcept;

/// answer_query without what comes after: rate limits.
[[nodiscard]] std::size_t compose_reply(const Snapshot& snapshot, const Tables& tables, const Source& source,
                                        const Asked& asked, std::span<const std::uint8_t> packet,
                                        std::span<std::uint8_t> reply, Worker& worker) noexcept;

}  // namespace meridian::query

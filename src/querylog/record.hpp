// What is kept of one sampled query: when, who, what was asked, what was answered and why, as one byte
// string.
//
// A record stands on its own: names are copied, so nothing in it points into a snapshot. Writing is HOT: no
// allocation, no format. Reading is for the writer threads.
#pragma once

#include "base/ip.hpp"
#include "query/snapshot.hpp"
#include "query/summary.hpp"
#include "steering/choose.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace meridian::querylog {

/// The plain values of a record.
struct Facts {
  std::int64_t received_ns = 0;  ///< Since 1970, when the query's batch was taken from the kernel.
  std::uint64_t took_ns = 0;     ///< From then until the answer was written.
  std::uint64_t epoch = 0;       ///< Of the snapshot that answered.
  base::IpAddress client;        ///< Source of the packet.
  std::uint16_t port = 0;
  std::uint32_t sample = 1;
  std::uint32_t answer_bytes = 0;  ///< 0: no answer was sent.
  dns::Rcode rcode = dns::Rcode::NoError;
  std::uint16_t tier = 0;  ///< AnswerKind::Steered
  query::AnswerKind kind = query::AnswerKind::Dropped;
  steering::Reason reason{};  ///< AnswerKind::Steered
  query::RateAction rate = query::RateAction::None;
  std::uint8_t scope_bits = 0;
  bool is_tcp = false;
  bool is_truncated = false;
  bool by_client_subnet = false;  ///< AnswerKind::Steered: not `client` decided
};

/// A record as it is read: `facts`, and views into the bytes it was read from.
struct Record {
  Facts facts;
  std::string_view service;            ///< Empty: no steered name was met.
  std::string_view datacenter;         ///< Empty: none was chosen.
  std::span<const std::uint8_t> zone;  ///< Its apex in wire form; empty: none of ours.
  std::span<const std::uint8_t> query;
  std::span<const std::uint8_t> answer;  ///< Whole or empty; see RecordSource::answer.
};

/// What a record is written from. The summary's pointers and ids are of `snapshot`.
struct RecordSource {
  const Facts& facts;
  const query::Snapshot& snapshot;
  const query::Summary& summary;
  std::span<const std::uint8_t> query;
  std::span<const std::uint8_t> answer;  ///< Empty when the reader has no use for it.
};

/// Copies what the summary knows into the facts.
void take_summary(Facts& facts, const query::Summary& summary) noexcept;

/// HOT.
[[nodiscard]] std::size_t record_bytes(const RecordSource& source) noexcept;
/// HOT. `out` has record_bytes() of the same source.
void write_record(const RecordSource& source, std::span<std::uint8_t> out) noexcept;

/// `bytes` were written by write_record and outlive the result.
[[nodiscard]] Record read_record(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace meridian::querylog

// The steps of answer_query: each either ends the reply and returns its size, or adds a link of a chain.
//
// One Reply a query, on the stack. HOT: no allocation, lock, clock, exception or log line.
#pragma once

#include "dns/query.hpp"
#include "dns/writer.hpp"
#include "query/answer.hpp"
#include "query/decide.hpp"
#include "query/snapshot.hpp"
#include "zone/zone.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace meridian::query {

/// Answers, or drops, a packet that is no query we can read.
[[nodiscard]] std::size_t reject(const dns::QueryError& error, const Settings& settings, const Source& source,
                                 std::span<const std::uint8_t> packet, std::span<std::uint8_t> reply,
                                 Worker& worker) noexcept;

/// Answers REFUSED: a name, class or type we do not serve.
[[nodiscard]] std::size_t refuse(const dns::Query& query, dns::EdnsReply& edns,
                                 std::span<const std::uint8_t> packet, std::span<std::uint8_t> reply,
                                 Worker& worker) noexcept;

/// True for what parse_query could read and only this transport makes wrong.
[[nodiscard]] bool is_malformed_over(const Source& source, const dns::Query& query) noexcept;

void count_query(const dns::Query& query, stats::Counters& counters) noexcept;

/// False for classes other than IN, and for types that are no data: zone transfers and other meta types.
[[nodiscard]] bool is_servable(const dns::Query& query) noexcept;

class Reply {
 public:
  Reply(const Snapshot& snapshot, const Tables& tables, const Source& source, Worker& worker,
        const dns::Query& query, dns::EdnsReply& edns, std::span<const std::uint8_t> packet,
        std::span<std::uint8_t> out) noexcept;

  [[nodiscard]] std::size_t finish_static(dns::NameView name, const zone::Found& found) noexcept;
  [[nodiscard]] std::size_t finish_steered(const zone::Zone& zone, dns::NameView name,
                                           base::ServiceId service) noexcept;
  /// The NS set at the cut and its glue (RFC 1034 4.3.2 step 3b, RFC 9471).
  [[nodiscard]] std::size_t finish_referral(const zone::Zone& zone, const zone::Found& found) noexcept;
  /// The SOA with the negative TTL (RFC 2308 2 and 3).
  [[nodiscard]] std::size_t finish_negative(const zone::Zone& zone, dns::Rcode rcode) noexcept;
  /// A chain that left our zones: what is there is the answer, the resolver asks on.
  [[nodiscard]] std::size_t finish_outside() noexcept;
  [[nodiscard]] std::size_t finish_chain_too_long() noexcept;
  [[nodiscard]] std::size_t finish() noexcept;

  /// Adds the CNAME at `name` and makes `name` its target. False: the reply is full and truncated.
  [[nodiscard]] bool follow_cname(const zone::Found& found, dns::Name& name) noexcept;
  /// Adds the DNAME and the CNAME it stands for (RFC 6672 3.1), and makes `name` that target. False:
  /// truncated, or the target would be too long (YXDOMAIN).
  [[nodiscard]] bool follow_dname(const zone::Found& found, dns::Name& name) noexcept;

 private:
  [[nodiscard]] std::size_t truncate() noexcept;
  void mark_truncated() noexcept;
  void set_rcode(dns::Rcode rcode) noexcept;
  /// One record set of a chain. False: did not fit, and the reply is marked truncated.
  [[nodiscard]] bool add_link(dns::NameView owner, dns::Rtype type, std::uint32_t ttl_s,
                              std::span<const std::uint8_t> records) noexcept;
  [[nodiscard]] bool add_addresses(dns::NameView name, const Pool& pool, const Service& service,
                                   bool ignore_health) noexcept;
  [[nodiscard]] bool add_glue(const zone::Zone& zone, const zone::Found& found) noexcept;

  const Snapshot& snapshot_;
  const Tables& tables_;
  const Source& source_;
  Worker& worker_;
  const dns::Query& query_;
  dns::MessageWriter writer_;
  dns::EdnsReply& edns_;
  bool is_authoritative_ = true;
};

}  // namespace meridian::query

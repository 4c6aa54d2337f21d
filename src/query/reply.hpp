// The steps of answer_query: each either ends the reply and returns its size, or adds a link of a chain.
//
// One Reply a query, on the stack. HOT: no allocation, lock, clock, exception or log line.
#pragma once

#include "dns/query.hpp"
#include "dns/writer.hpp"
#include "query/answer.hpp"
#include "query/chain.hpp"
#include "query/decide.hpp"
#include "query/snapshot.hpp"
#include "zone/zone.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
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

  /// The CNAME or the DNAME where `chain` stands (for a DNAME the CNAME it stands for, too: RFC 6672 3.1); no
  /// record set comes twice. False: the reply is full and truncated.
  [[nodiscard]] bool add_alias(const Chain& chain) noexcept;

  [[nodiscard]] std::size_t finish_static(const Chain& chain) noexcept;
  /// Nothing: the answer is an alias, which was added, and `chain` went on to where it leads.
  [[nodiscard]] std::optional<std::size_t> finish_steered(Chain& chain) noexcept;
  /// The NS set at the cut and its glue (RFC 1034 4.3.2 step 3b, RFC 9471).
  [[nodiscard]] std::size_t finish_referral(const Chain& chain) noexcept;
  /// The SOA with the negative TTL (RFC 2308 2 and 3).
  [[nodiscard]] std::size_t finish_negative(const zone::Zone& zone, dns::Rcode rcode) noexcept;
  /// A chain that left our zones: what is there is the answer, the resolver asks on.
  [[nodiscard]] std::size_t finish_outside() noexcept;
  /// A chain that must not be followed further.
  [[nodiscard]] std::size_t finish_stopped(ChainStop stop) noexcept;
  /// Of class CH: `records` is a TXT record's rdata with its length in front.
  [[nodiscard]] std::size_t finish_identity(std::span<const std::uint8_t> records) noexcept;
  [[nodiscard]] std::size_t finish() noexcept;

 private:
  [[nodiscard]] std::size_t truncate() noexcept;
  [[nodiscard]] Decision decide_steered(const Chain& chain, const Service& service) noexcept;
  [[nodiscard]] std::optional<std::size_t> add_target(Chain& chain, const Decision& decision,
                                                      const Service& service) noexcept;
  [[nodiscard]] std::size_t finish_addresses(const Chain& chain, const Decision& decision,
                                             const Service& service) noexcept;
  void count_answer() noexcept;
  void mark_truncated() noexcept;
  void set_rcode(dns::Rcode rcode) noexcept;
  /// For ANY over TCP: the static sets at the name besides the first.
  void add_other_sets(const Chain& chain) noexcept;
  /// False: did not fit, and nothing was written.
  [[nodiscard]] bool add_addresses(dns::NameView name, dns::Rtype type, const Decision& decision,
                                   const Service& service) noexcept;

  const Snapshot& snapshot_;
  const Tables& tables_;
  const Source& source_;
  Worker& worker_;
  const dns::Query& query_;
  dns::MessageWriter writer_;
  dns::EdnsReply& edns_;
  bool is_authoritative_ = true;
  bool is_steered_ = false;  ///< the answer depends on the client
};

}  // namespace meridian::query

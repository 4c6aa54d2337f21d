// A query as the server understands it: one pass over the packet, then only values.
//
// Says what is malformed and how to answer that; whether a class, type or name is served is the caller's
// business. HOT: nothing here allocates, throws or logs.
#pragma once

#include "base/expected.hpp"
#include "dns/edns.hpp"
#include "dns/header.hpp"
#include "dns/name.hpp"
#include "dns/types.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace meridian::dns {

/// A query with one question. The packet's bytes [12, question_end) are the question as it was asked, in the
/// asker's letter case, which the reply must repeat (draft-vixie-dnsext-dns0x20).
struct Query {
  /// Not defaulted: that would let whoever value-initialises a query, as Expected does, clear all of it
  /// first.
  Query() noexcept {}  // NOLINT(modernize-use-equals-default)

  std::uint16_t id = 0;
  bool recursion_desired = false;
  bool checking_disabled = false;
  Opcode opcode = Opcode::Query;
  Name name;  ///< Lower case.
  Rtype type{};
  Rclass rclass{};
  std::uint16_t question_end = 0;
  Edns edns;
};

/// What a refused packet did wrong.
enum class QueryFault : std::uint8_t {
  TooShort,        ///< no whole header
  IsResponse,      ///< QR is set
  OpcodeUnknown,   ///< not understood; looked at for an OPT record only
  QuestionCount,   ///< not exactly one question
  CookieOnly,      ///< no question but a cookie, which is no fault where cookies are on (RFC 7873 5.4)
  Question,        ///< the question is cut off, or its name is malformed or compressed
  RecordsPresent,  ///< answer or authority records, which a query has no use for
  Record,          ///< a record is cut off or its owner is malformed
  OptOwner,        ///< an OPT record whose owner is not the root
  OptTwice,
  EdnsVersion,
  Options,  ///< an EDNS option is cut off, or there are more than limits::kEdnsOptionsMax
  ClientSubnet,
  ClientSubnetTwice,
  Cookie,        ///< of a length that no cookie has (RFC 7873 5.2.2)
  TcpKeepalive,  ///< a keepalive option with a payload, over TCP; parse_query leaves it to who knows the
                 ///< transport
  TrailingBytes,
};

struct QueryError {
  QueryFault fault{};
  bool edns_present = false;             ///< An OPT record was seen, so the reply has one too (RFC 6891 7).
  bool dnssec_ok = false;                ///< Of that OPT record.
  std::uint16_t question_end = 0;        ///< As Query::question_end; 0 when no question can be repeated.
  std::span<const std::uint8_t> cookie;  ///< As Edns::cookie, if it was read before the fault.

  /// To be dropped without a reply: answering a response would let two servers talk for ever.
  [[nodiscard]] constexpr bool is_silent() const noexcept {
    return fault == QueryFault::TooShort || fault == QueryFault::IsResponse;
  }
  /// What to answer unless is_silent().
  [[nodiscard]] constexpr Rcode rcode() const noexcept {
    if (fault == QueryFault::OpcodeUnknown) return Rcode::NotImp;
    return fault == QueryFault::EdnsVersion ? Rcode::BadVers : Rcode::FormErr;
  }
};

/// The refusal of `query` for `fault`, with what is known of it.
[[nodiscard]] QueryError refusal_of(const Query& query, QueryFault fault) noexcept;

/// Reads a whole packet.
[[nodiscard]] base::Expected<Query, QueryError> parse_query(std::span<const std::uint8_t> packet) noexcept;

/// The longest UDP reply to this query: what the client can take, at most limits::kUdpAnswerBytesMax.
[[nodiscard]] std::size_t udp_reply_bytes_max(const Query& query) noexcept;

}  // namespace meridian::dns

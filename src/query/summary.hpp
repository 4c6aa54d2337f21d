// What an answer was, for those who look on after it is written: rate limits, the query log, dnstap.
//
// Filled by answer_query in passing. HOT: plain values; pointers are into the snapshot of the same call.
#pragma once

#include "base/ids.hpp"
#include "dns/name.hpp"
#include "dns/types.hpp"
#include "steering/choose.hpp"

#include <cstdint>

namespace meridian::zone {
class Zone;
}

namespace meridian::query {

/// One kind an answer; a chain of CNAMEs counts as what it ends in.
enum class AnswerKind : std::uint8_t {
  Dropped,    ///< no reply at all
  Malformed,  ///< FORMERR, NOTIMP, BADVERS
  Refused,
  Static,
  Steered,
  Referral,
  NoData,
  NxDomain,
  ServFail,
  Cookie,  ///< about cookies only: BADCOOKIE, TC for want of one, or the answer to a query without a question
};

/// What response rate limiting did to an answer.
enum class RateAction : std::uint8_t { None, LoggedOnly, Slipped, Dropped };

/// How the same question, from another client in the same tiers or from the same one again, may be answered
/// otherwise.
enum class Variation : std::uint8_t {
  None,
  Rotated,  ///< the same addresses, but beginning with another
  Drawn,    ///< another choice
};

/// What operators keep back, where that gives a client another datacenter than it would have.
enum class MovedBy : std::uint8_t {
  Nothing,
  Drain,  ///< nothing is left to the datacenter that it would have
  Shed,   ///< less than all
};

struct Summary {
  AnswerKind kind = AnswerKind::Dropped;
  dns::Rcode rcode = dns::Rcode::NoError;
  dns::Rtype type{};  ///< asked for, when it was a query
  Variation variation = Variation::None;
  bool is_truncated = false;
  bool has_valid_cookie = false;  ///< the client proved its address: a server cookie of ours
  bool by_client_subnet = false;  ///< with a service: the query's client subnet decided, not its source
  std::uint8_t scope_bits = 0;    ///< of the client subnet in the reply
  steering::Reason reason{};      ///< with a service
  std::uint16_t tier = 0;         ///< with a service
  MovedBy moved_by = MovedBy::Nothing;
  base::PoolId pool = base::kNoPool;           ///< once chosen, even if it had no address of the type
  base::ServiceId service = base::kNoService;  ///< once a steered name was met, whatever came of it
  RateAction rate = RateAction::None;
  /// Where the first answer of the chain comes from, in the snapshot: the name, its wildcard, the cut, the
  /// DNAME. Empty without a zone.
  dns::NameView owner{};
  const zone::Zone* zone = nullptr;  ///< that answered last; nullptr: none of ours
};

}  // namespace meridian::query

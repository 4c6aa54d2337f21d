// What an agent asks its own server through the VIP, and what it makes of an answer: bytes in, a verdict out.
//
// An answer counts only when this very site gave it. With the VIP missing here and the route withdrawn,
// another site answers a query to the VIP, and an agent that took any answer would announce a hole. No I/O;
// one thread.
#pragma once

#include "base/ip.hpp"
#include "bgp/policy/observation.hpp"
#include "dns/name.hpp"
#include "dns/types.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::agent {

struct SelfQuery {
  enum class Expect : std::uint8_t {
    Answer,     ///< records of the type, or an alias
    NoAddress,  ///< NXDOMAIN
  };

  dns::Name name;
  dns::Rtype type = dns::Rtype::Soa;
  std::optional<base::IpPrefix> client_subnet;
  Expect expect = Expect::Answer;
  /// Of A and AAAA: the only addresses that are right. Empty: any.
  std::vector<base::IpAddress> addresses;
};

/// "A www.example.com for 198.51.100.0/24", for messages.
[[nodiscard]] std::string to_string(const SelfQuery& query);

/// The query with this id. It asks for NSID (RFC 5001) and, with a client subnet, sends that (RFC 7871).
[[nodiscard]] std::vector<std::uint8_t> write_query(const SelfQuery& query, std::uint16_t id);

enum class Verdict : std::uint8_t { Right, Wrong, Foreign };

struct Judgement {
  Verdict verdict = Verdict::Right;
  std::string fault;  ///< what is wrong: "SERVFAIL", "answered by site fra1"; empty: nothing
};

/// `reply` is one to the query (dns::is_reply_to), `site` our own name, as the server has it in NSID. A reply
/// that names no site is Wrong: nobody knows whose it is.
[[nodiscard]] Judgement judge_reply(const SelfQuery& query, std::string_view site,
                                    std::span<const std::uint8_t> reply);

/// Adds up a round: each query over UDP and over TCP.
class RoundTally {
 public:
  enum class Transport : std::uint8_t { Udp, Tcp };

  void add(Transport transport, Verdict verdict) noexcept;
  /// No reply in time, or the host refused.
  void add_silence(Transport transport) noexcept;

  [[nodiscard]] policy::Round round() const noexcept;

 private:
  struct Count {
    unsigned answered = 0;
    unsigned silent = 0;
  };
  policy::Round sum_;
  Count of_[2];
};

}  // namespace meridian::agent

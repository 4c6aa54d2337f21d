// The query of a DNS probe, and what its reply must hold: bytes in, bytes or words out.
//
// Off the hot path; one thread an object.
#pragma once

#include "base/expected.hpp"
#include "config/check.hpp"
#include "dns/message.hpp"
#include "dns/types.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace meridian::probe {

/// A check's question, made once.
class DnsQuestion {
 public:
  /// The error is a clause: "dns: unknown type 'AAAAA'", "dns: bad A rdata …".
  [[nodiscard]] static base::Expected<DnsQuestion, std::string> make(const config::DnsCheck& check);

  /// The query with this id; recursion is asked for, so that resolvers can be probed as well.
  [[nodiscard]] std::vector<std::uint8_t> write_query(std::uint16_t id) const;

  /// True for a response with this id to this question. One without a question is a reply too, if it says
  /// why (FORMERR). Anything else is somebody else's.
  [[nodiscard]] bool is_reply(std::uint16_t id, std::span<const std::uint8_t> packet) const;

  /// Why a reply is not what the check wants; empty: it is.
  [[nodiscard]] std::string find_fault(std::span<const std::uint8_t> reply) const;

 private:
  DnsQuestion() = default;

  dns::Name name_;
  dns::Rtype type_{};
  std::string type_text_;
  std::string answer_text_;
  std::optional<std::vector<std::uint8_t>> answer_;  ///< rdata that a record of the type must have
};

}  // namespace meridian::probe

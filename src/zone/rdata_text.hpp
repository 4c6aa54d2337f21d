// The presentation form of types and rdata → wire form. The only user of ldns.
//
// Off the hot path; one thread an object.
#pragma once

#include "base/expected.hpp"
#include "dns/name.hpp"
#include "dns/types.hpp"
#include "zone/zone_lexer.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::zone {

/// "LOC", "svcb" or "TYPE65280" (RFC 3597 5); nullopt for another word.
[[nodiscard]] std::optional<dns::Rtype> parse_type_word(std::string_view text);

/// Seconds, or BIND's units in any order, each with a number before it: "300", "1h30m", "1W". nullopt for
/// another word, or for more than 32 bits.
[[nodiscard]] std::optional<std::uint32_t> parse_ttl(std::string_view text);

/// `text` made absolute with `origin`; "@" is the origin.
[[nodiscard]] base::Expected<dns::Name, std::string> parse_relative_name(std::string_view text,
                                                                         dns::NameView origin);

struct RdataError {
  std::string message;    ///< "bad A rdata '300.1.2.3'; write an IPv4 address"
  std::size_t token = 0;  ///< which token is at fault; may be one past the last
};

class RdataParser {
 public:
  explicit RdataParser(dns::NameView origin) { set_origin(origin); }

  /// What relative names in rdata end with.
  void set_origin(dns::NameView origin);

  /// The rdata of a record, as tokens without comments and parentheses. `type_text` is the type as written,
  /// for messages. The bytes stay until the next call.
  [[nodiscard]] base::Expected<std::span<const std::uint8_t>, RdataError> parse(
      dns::Rtype type, std::string_view type_text, std::span<const Token> tokens);

 private:
  struct FreeRdf {
    void operator()(void* rdf) const noexcept;
  };

  [[nodiscard]] base::Expected<std::span<const std::uint8_t>, RdataError> parse_other(
      dns::Rtype type, std::string_view type_text, std::span<const Token> tokens);

  dns::Name origin_name_;
  std::unique_ptr<void, FreeRdf> origin_;  // the same as an ldns_rdf; that type stays out of this header
  std::string line_;
  std::vector<std::uint8_t> wire_;
};

}  // namespace meridian::zone

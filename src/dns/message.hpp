// A whole message taken apart, for tests, meridianctl and the scenario runner.
//
// Not for the server's own queries: it allocates, and it is liberal where parse_query is strict. Values only;
// nothing points into the packet.
#pragma once

#include "base/expected.hpp"
#include "dns/client_subnet.hpp"
#include "dns/header.hpp"
#include "dns/name.hpp"
#include "dns/types.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace meridian::dns {

struct Question {
  Name name;  ///< In the letter case of the message.
  Rtype type{};
  Rclass rclass{};

  friend bool operator==(const Question&, const Question&) = default;
};

struct Record {
  Section section{};
  Name owner;
  Rtype type{};
  Rclass rclass{};
  std::uint32_t ttl_s = 0;
  std::vector<std::uint8_t> rdata;  ///< Names of RFC 1035 types are decompressed.

  friend bool operator==(const Record&, const Record&) = default;
};

struct Option {
  EdnsOption code{};
  std::vector<std::uint8_t> payload;

  friend bool operator==(const Option&, const Option&) = default;
};

struct MessageEdns {
  std::uint8_t version = 0;
  bool dnssec_ok = false;
  std::uint16_t udp_size = 0;  ///< As sent, also below 512.
  std::vector<Option> options;
  std::optional<ClientSubnet> client_subnet;

  /// The first option of that code; nullptr when absent.
  [[nodiscard]] const Option* find_option(EdnsOption code) const noexcept;
};

struct Message {
  Header header;
  Rcode rcode = Rcode::NoError;  ///< With the upper bits of the OPT record.
  std::optional<Question> question;
  std::vector<Record> records;  ///< In the order of the message, without the OPT record.
  std::optional<MessageEdns> edns;

  [[nodiscard]] bool is_authoritative() const noexcept { return header.has(header_bits::kAuthoritative); }
  [[nodiscard]] bool is_truncated() const noexcept { return header.has(header_bits::kTruncated); }
  /// The records of one section.
  [[nodiscard]] std::vector<Record> section(Section section) const;
};

/// The error says what is wrong and where, e.g. "record 2 is cut off".
[[nodiscard]] base::Expected<Message, std::string> read_message(std::span<const std::uint8_t> packet);

}  // namespace meridian::dns

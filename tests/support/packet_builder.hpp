// Builds queries, well-formed and (through raw options) malformed ones, for every level of tests.
//
// Not for the programs: it allocates and asserts on names that do not parse.
#pragma once

#include "base/ip.hpp"
#include "dns/message.hpp"
#include "dns/types.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace meridian::test {

using Bytes = std::vector<std::uint8_t>;

struct QuerySpec {
  std::uint16_t id = 0x1234;
  dns::Opcode opcode = dns::Opcode::Query;
  dns::Rclass rclass = dns::Rclass::In;
  bool recursion_desired = false;
  bool checking_disabled = false;
  // Any of these that differs from its default adds an OPT record.
  std::optional<std::uint16_t> udp_size = {};  ///< 1232 when absent
  bool dnssec_ok = false;
  std::uint8_t edns_version = 0;
  std::optional<base::IpPrefix> client_subnet = {};
  std::vector<dns::Option> options = {};  ///< Sent as they are, behind the client subnet.
};

/// `name` keeps its letter case.
[[nodiscard]] Bytes build_query(std::string_view name, dns::Rtype type, const QuerySpec& spec = {});

/// "c0 0c" or "c00c" as bytes; asserts on anything but hex digits and spaces.
[[nodiscard]] Bytes from_hex(std::string_view text);

/// The wire form of a name that parses.
[[nodiscard]] dns::Name name_of(std::string_view text);

/// Rdata with its length in front, as MessageWriter::add_rrset takes it.
[[nodiscard]] Bytes length_prefixed(const Bytes& rdata);

void append(Bytes& to, const Bytes& more);
void append_u16(Bytes& to, std::uint16_t value);

}  // namespace meridian::test

#include "support/packet_builder.hpp"

#include "base/assert.hpp"
#include "dns/client_subnet.hpp"
#include "dns/edns.hpp"
#include "dns/header.hpp"

namespace meridian::test {
namespace {

bool has_edns(const QuerySpec& spec) {
  return spec.udp_size || spec.dnssec_ok || spec.edns_version != 0 || spec.client_subnet ||
         !spec.options.empty();
}

void append_option(Bytes& to, dns::EdnsOption code, const Bytes& payload) {
  append_u16(to, static_cast<std::uint16_t>(code));
  append(to, length_prefixed(payload));
}

void append_opt(Bytes& to, const QuerySpec& spec) {
  Bytes options;
  if (spec.client_subnet) {
    const dns::ClientSubnet subnet{.source = *spec.client_subnet, .scope_bits = 0};
    Bytes payload(dns::client_subnet_bytes(subnet));
    dns::write_client_subnet(payload, subnet);
    append_option(options, dns::EdnsOption::ClientSubnet, payload);
  }
  for (const auto& option : spec.options) append_option(options, option.code, option.payload);

  to.push_back(0);  // owner: the root
  append_u16(to, static_cast<std::uint16_t>(dns::Rtype::Opt));
  append_u16(to, spec.udp_size.value_or(1232));
  append_u16(to, spec.edns_version);  // the extended rcode before it is 0
  append_u16(to, static_cast<std::uint16_t>(spec.dnssec_ok ? dns::kDnssecOkBit : 0));
  append(to, length_prefixed(options));
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Bytes build_query(std::string_view name, dns::Rtype type, const QuerySpec& spec) {
  unsigned bits = static_cast<unsigned>(spec.opcode) << dns::header_bits::kOpcodeShift;
  if (spec.recursion_desired) bits |= dns::header_bits::kRecursionDesired;
  if (spec.checking_disabled) bits |= dns::header_bits::kCheckingDisabled;
  Bytes packet(dns::kHeaderBytes);
  dns::write_header(std::span{packet}.first<dns::kHeaderBytes>(),
                    {.id = spec.id,
                     .bits = static_cast<std::uint16_t>(bits),
                     .question_count = 1,
                     .answer_count = 0,
                     .authority_count = 0,
                     .additional_count = static_cast<std::uint16_t>(has_edns(spec) ? 1 : 0)});
  const dns::Name wire = name_of(name);
  packet.insert(packet.end(), wire.view().wire().begin(), wire.view().wire().end());
  append_u16(packet, static_cast<std::uint16_t>(type));
  append_u16(packet, static_cast<std::uint16_t>(spec.rclass));
  if (has_edns(spec)) append_opt(packet, spec);
  return packet;
}

Bytes from_hex(std::string_view text) {
  Bytes bytes;
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = hex_digit(c);
    MERIDIAN_ASSERT(digit >= 0);
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  MERIDIAN_ASSERT(high < 0);
  return bytes;
}

dns::Name name_of(std::string_view text) {
  const auto name = dns::Name::parse(text);
  MERIDIAN_ASSERT(name.has_value());
  return *name;
}

Bytes length_prefixed(const Bytes& rdata) {
  Bytes bytes;
  append_u16(bytes, static_cast<std::uint16_t>(rdata.size()));
  append(bytes, rdata);
  return bytes;
}

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

void append_u16(Bytes& to, std::uint16_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace meridian::test

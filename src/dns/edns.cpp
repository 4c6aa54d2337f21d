#include "dns/edns.hpp"

#include "base/assert.hpp"
#include "dns/header.hpp"

#include <algorithm>

namespace meridian::dns {
namespace {

//  owner  type  class      TTL                                          RDLENGTH  options
//  | 0   | 41  | UDP size | rcode bits 11–4 | version | DO | Z (15 bits) | length  | code, length, payload …

/// Appends one option's code and length; returns where its payload goes.
std::uint8_t* put_option_head(std::uint8_t* out, EdnsOption code, std::size_t payload_bytes) noexcept {
  store_u16(out, static_cast<std::uint16_t>(code));
  store_u16(out + 2, static_cast<std::uint16_t>(payload_bytes));
  return out + kOptionHeadBytes;
}

std::uint8_t* put_client_subnet(std::uint8_t* out, const ClientSubnet& subnet) noexcept {
  const std::size_t size = client_subnet_bytes(subnet);
  out = put_option_head(out, EdnsOption::ClientSubnet, size);
  return out + write_client_subnet({out, size}, subnet);
}

}  // namespace

EdnsReply echo_edns(const Edns& query) noexcept {
  EdnsReply reply{.dnssec_ok = query.dnssec_ok, .client_subnet = query.client_subnet};
  if (reply.client_subnet) reply.client_subnet->scope_bits = 0;
  return reply;
}

std::size_t opt_record_bytes(const EdnsReply& edns) noexcept {
  std::size_t size = kOptFixedBytes;
  if (edns.client_subnet) size += kOptionHeadBytes + client_subnet_bytes(*edns.client_subnet);
  if (!edns.nsid.empty()) size += kOptionHeadBytes + edns.nsid.size();
  if (edns.cookie) size += kOptionHeadBytes + kCookieBytes;
  if (edns.tcp_idle_ds) size += kOptionHeadBytes + kTcpKeepaliveBytes;
  if (edns.extended_error)
    size += kOptionHeadBytes + kExtendedErrorCodeBytes + edns.extended_error->text.size();
  return size;
}

std::size_t write_opt_record(std::span<std::uint8_t> out, Rcode rcode, const EdnsReply& edns) noexcept {
  MERIDIAN_DEBUG_ASSERT(out.size() >= opt_record_bytes(edns));
  std::uint8_t* const start = out.data();
  start[0] = 0;
  store_u16(start + 1, static_cast<std::uint16_t>(Rtype::Opt));
  store_u16(start + 3, edns.udp_size);
  const std::uint32_t upper_rcode = static_cast<std::uint32_t>(rcode) >> 4;
  store_u32(start + 5, upper_rcode << 24 | (edns.dnssec_ok ? kDnssecOkBit : 0));

  std::uint8_t* at = start + kOptFixedBytes;
  if (edns.client_subnet) at = put_client_subnet(at, *edns.client_subnet);
  if (!edns.nsid.empty()) {
    at = put_option_head(at, EdnsOption::Nsid, edns.nsid.size());
    at = std::copy(edns.nsid.begin(), edns.nsid.end(), at);
  }
  if (edns.cookie) {
    at = put_option_head(at, EdnsOption::Cookie, kCookieBytes);
    at = std::copy(edns.cookie->begin(), edns.cookie->end(), at);
  }
  if (edns.tcp_idle_ds) {
    at = put_option_head(at, EdnsOption::TcpKeepalive, kTcpKeepaliveBytes);
    store_u16(at, *edns.tcp_idle_ds);
    at += kTcpKeepaliveBytes;
  }
  if (edns.extended_error) {
    const auto text = edns.extended_error->text;
    at = put_option_head(at, EdnsOption::ExtendedError, kExtendedErrorCodeBytes + text.size());
    store_u16(at, static_cast<std::uint16_t>(edns.extended_error->code));
    at = std::copy(text.begin(), text.end(), at + kExtendedErrorCodeBytes);
  }
  const auto size = static_cast<std::size_t>(at - start);
  store_u16(start + 9, static_cast<std::uint16_t>(size - kOptFixedBytes));
  return size;
}

}  // namespace meridian::dns

#include "dns/edns.hpp"

#include "base/assert.hpp"
#include "dns/header.hpp"

#include <algorithm>

namespace meridian::dns {
namespace {

//  owner  type  class      TTL                                          RDLENGTH  options
//  | 0   | 41  | UDP size | rcode bits 11–4 | version | DO | Z (15 bits) | length  | code, length, payload …

/// Appends one option's code and length; returns where its payload goes.
std::span<std::uint8_t> put_option_head(std::span<std::uint8_t> out, EdnsOption code,
                                        std::size_t payload_bytes) noexcept {
  store_u16(out.data(), static_cast<std::uint16_t>(code));
  store_u16(out.data() + 2, static_cast<std::uint16_t>(payload_bytes));
  return out.subspan(kOptionHeadBytes);
}

}  // namespace

EdnsReply echo_edns(const Edns& query) noexcept {
  EdnsReply reply;
  reply.dnssec_ok = query.dnssec_ok;
  reply.client_subnet = query.client_subnet;
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
  out[0] = 0;
  store_u16(out.data() + 1, static_cast<std::uint16_t>(Rtype::Opt));
  store_u16(out.data() + 3, edns.udp_size);
  const std::uint32_t upper_rcode = static_cast<std::uint32_t>(rcode) >> 4;
  store_u32(out.data() + 5, upper_rcode << 24 | (edns.dnssec_ok ? kDnssecOkBit : 0));

  auto rest = out.subspan(kOptFixedBytes);
  if (edns.client_subnet) {
    rest = put_option_head(rest, EdnsOption::ClientSubnet, client_subnet_bytes(*edns.client_subnet));
    rest = rest.subspan(write_client_subnet(rest, *edns.client_subnet));
  }
  if (!edns.nsid.empty()) {
    rest = put_option_head(rest, EdnsOption::Nsid, edns.nsid.size());
    std::copy(edns.nsid.begin(), edns.nsid.end(), rest.begin());
    rest = rest.subspan(edns.nsid.size());
  }
  if (edns.cookie) {
    rest = put_option_head(rest, EdnsOption::Cookie, kCookieBytes);
    std::copy(edns.cookie->begin(), edns.cookie->end(), rest.begin());
    rest = rest.subspan(kCookieBytes);
  }
  if (edns.tcp_idle_ds) {
    rest = put_option_head(rest, EdnsOption::TcpKeepalive, kTcpKeepaliveBytes);
    store_u16(rest.data(), *edns.tcp_idle_ds);
    rest = rest.subspan(kTcpKeepaliveBytes);
  }
  if (edns.extended_error) {
    const auto text = edns.extended_error->text;
    rest = put_option_head(rest, EdnsOption::ExtendedError, kExtendedErrorCodeBytes + text.size());
    store_u16(rest.data(), static_cast<std::uint16_t>(edns.extended_error->code));
    std::copy(text.begin(), text.end(), rest.begin() + kExtendedErrorCodeBytes);
    rest = rest.subspan(kExtendedErrorCodeBytes + text.size());
  }
  const std::size_t size = out.size() - rest.size();
  store_u16(out.data() + 9, static_cast<std::uint16_t>(size - kOptFixedBytes));
  return size;
}

}  // namespace meridian::dns

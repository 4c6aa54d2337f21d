#include "dns/error_reply.hpp"

#include "base/assert.hpp"
#include "dns/edns.hpp"
#include "dns/header.hpp"

#include <cstring>

namespace meridian::dns {
namespace {

/// `edns` is nullptr when the query had no OPT record.
std::size_t write_bare_reply(std::span<const std::uint8_t> packet, std::size_t question_end, Rcode rcode,
                             const EdnsReply* edns, std::span<std::uint8_t> reply) noexcept {
  const std::size_t body_end = question_end == 0 ? kHeaderBytes : question_end;
  const std::size_t opt_bytes = edns == nullptr ? 0 : opt_record_bytes(*edns);
  MERIDIAN_DEBUG_ASSERT(packet.size() >= body_end);
  if (reply.size() < body_end + opt_bytes) return 0;

  const Header asked = read_header(packet.first<kHeaderBytes>());
  const auto copied = asked.bits & header_bits::kCopiedToReply;
  const auto lower_rcode = static_cast<std::uint16_t>(rcode) & header_bits::kRcodeMask;
  const Header header{.id = asked.id,
                      .bits = static_cast<std::uint16_t>(header_bits::kResponse | copied | lower_rcode),
                      .question_count = static_cast<std::uint16_t>(question_end == 0 ? 0 : 1),
                      .answer_count = 0,
                      .authority_count = 0,
                      .additional_count = static_cast<std::uint16_t>(edns == nullptr ? 0 : 1)};
  write_header(reply.first<kHeaderBytes>(), header);
  std::memcpy(reply.data() + kHeaderBytes, packet.data() + kHeaderBytes, body_end - kHeaderBytes);
  if (edns != nullptr) write_opt_record(reply.subspan(body_end), rcode, *edns);
  return body_end + opt_bytes;
}

}  // namespace

std::size_t write_error_reply(std::span<const std::uint8_t> packet, const QueryError& error,
                              std::span<std::uint8_t> reply) noexcept {
  if (error.is_silent()) return 0;
  EdnsReply edns;
  edns.dnssec_ok = error.dnssec_ok;
  return write_bare_reply(packet, error.question_end, error.rcode(), error.edns_present ? &edns : nullptr,
                          reply);
}

std::size_t write_error_reply(std::span<const std::uint8_t> packet, const Query& query, Rcode rcode,
                              std::span<std::uint8_t> reply) noexcept {
  const EdnsReply edns = echo_edns(query.edns);
  return write_bare_reply(packet, query.question_end, rcode, query.edns.present ? &edns : nullptr, reply);
}

}  // namespace meridian::dns

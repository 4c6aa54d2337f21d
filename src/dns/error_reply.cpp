#include "dns/error_reply.hpp"

#include "base/assert.hpp"
#include "dns/edns.hpp"
#include "dns/header.hpp"

#include <cstring>

namespace meridian::dns {
namespace {

struct BareReply {
  std::size_t question_end = 0;  ///< 0: no question is repeated
  Rcode rcode{};
  bool is_truncated = false;
  const EdnsReply* edns = nullptr;  ///< nullptr when the query had no OPT record
};

std::size_t size_of(const BareReply& bare) noexcept {
  const std::size_t body_end = bare.question_end == 0 ? kHeaderBytes : bare.question_end;
  return body_end + (bare.edns == nullptr ? 0 : opt_record_bytes(*bare.edns));
}

std::size_t write_bare_reply(std::span<const std::uint8_t> packet, const BareReply& bare,
                             std::span<std::uint8_t> reply) noexcept {
  const std::size_t body_end = bare.question_end == 0 ? kHeaderBytes : bare.question_end;
  const std::size_t size = size_of(bare);
  MERIDIAN_DEBUG_ASSERT(packet.size() >= body_end);
  if (reply.size() < size) return 0;

  const Header asked = read_header(packet.first<kHeaderBytes>());
  unsigned bits = header_bits::kResponse | (asked.bits & header_bits::kCopiedToReply) |
                  (static_cast<unsigned>(bare.rcode) & header_bits::kRcodeMask);
  if (bare.is_truncated) bits |= header_bits::kTruncated;
  const Header header{.id = asked.id,
                      .bits = static_cast<std::uint16_t>(bits),
                      .question_count = static_cast<std::uint16_t>(bare.question_end == 0 ? 0 : 1),
                      .answer_count = 0,
                      .authority_count = 0,
                      .additional_count = static_cast<std::uint16_t>(bare.edns == nullptr ? 0 : 1)};
  write_header(reply.first<kHeaderBytes>(), header);
  std::memcpy(reply.data() + kHeaderBytes, packet.data() + kHeaderBytes, body_end - kHeaderBytes);
  if (bare.edns != nullptr) write_opt_record(reply.subspan(body_end), bare.rcode, *bare.edns);
  return size;
}

}  // namespace

std::size_t write_error_reply(std::span<const std::uint8_t> packet, const QueryError& error,
                              std::span<std::uint8_t> reply,
                              const std::optional<CookiePayload>& cookie) noexcept {
  if (error.is_silent()) return 0;
  EdnsReply edns{.dnssec_ok = error.dnssec_ok, .cookie = cookie};
  const BareReply bare{.question_end = error.question_end,
                       .rcode = error.rcode(),
                       .edns = error.edns_present ? &edns : nullptr};
  if (size_of(bare) > packet.size()) edns.cookie.reset();
  return write_bare_reply(packet, bare, reply);
}

std::size_t write_cookie_reply(std::span<const std::uint8_t> packet, const QueryError& query, Rcode rcode,
                               const CookiePayload& cookie, std::span<std::uint8_t> reply) noexcept {
  const EdnsReply edns{.dnssec_ok = query.dnssec_ok, .cookie = cookie};
  return write_bare_reply(packet, {.rcode = rcode, .edns = &edns}, reply);
}

std::size_t write_error_reply(std::span<const std::uint8_t> packet, const Query& query, Rcode rcode,
                              const EdnsReply& edns, std::span<std::uint8_t> reply) noexcept {
  return write_bare_reply(
      packet,
      {.question_end = query.question_end, .rcode = rcode, .edns = query.edns.present ? &edns : nullptr},
      reply);
}

std::size_t write_truncated_reply(std::span<const std::uint8_t> packet, const Query& query,
                                  const EdnsReply& edns, std::span<std::uint8_t> reply) noexcept {
  return write_bare_reply(packet,
                          {.question_end = query.question_end,
                           .rcode = Rcode::NoError,
                           .is_truncated = true,
                           .edns = query.edns.present ? &edns : nullptr},
                          reply);
}

}  // namespace meridian::dns

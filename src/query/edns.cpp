#include "query/edns.hpp"

#include "dns/cookie.hpp"
#include "dns/error_reply.hpp"

#include <algorithm>
#include <limits>

namespace meridian::query {
namespace {

using stats::Counter;

Counter counter_of(dns::CookieState state) noexcept {
  switch (state) {
    case dns::CookieState::Valid:
      return Counter::CookiesValid;
    case dns::CookieState::Invalid:
      return Counter::CookiesInvalid;
    default:
      return Counter::CookiesClientOnly;
  }
}

/// In units of 100 ms (RFC 7828 3.1).
std::uint16_t tcp_idle_ds(const Settings& settings) noexcept {
  return static_cast<std::uint16_t>(
      std::min<std::uint32_t>(settings.tcp_idle_ms / 100, std::numeric_limits<std::uint16_t>::max()));
}

}  // namespace

std::optional<dns::CookiePayload> fresh_cookie(std::span<const std::uint8_t> payload,
                                               const Settings& settings, const Source& source,
                                               const Worker& worker) noexcept {
  const auto& secrets = settings.cookie_secrets;
  if (payload.empty() || secrets.empty()) return std::nullopt;
  return dns::make_cookie(payload.first<dns::kClientCookieBytes>(), source.address, worker.now.wall_s,
                          secrets.all().front());
}

std::optional<dns::CookiePayload> take_cookie(std::span<const std::uint8_t> payload, const Settings& settings,
                                              const Source& source, Worker& worker) noexcept {
  const auto& secrets = settings.cookie_secrets;
  if (payload.empty() || secrets.empty()) return std::nullopt;
  const auto check = dns::check_cookie(payload, source.address, worker.now.wall_s, secrets);
  worker.counters.add(counter_of(check.state));
  worker.summary.has_valid_cookie = check.state == dns::CookieState::Valid;
  if (!check.is_fresh) return fresh_cookie(payload, settings, source, worker);
  dns::CookiePayload same{};
  std::copy(payload.begin(), payload.end(), same.begin());
  return same;
}

dns::EdnsReply begin_edns(const dns::Query& query, const Settings& settings, const Source& source,
                          Worker& worker) noexcept {
  auto edns = dns::echo_edns(query.edns);
  if (!query.edns.present) return edns;
  if (query.edns.nsid_requested) edns.nsid = settings.nsid;
  if (!query.edns.cookie.empty()) edns.cookie = take_cookie(query.edns.cookie, settings, source, worker);
  // RFC 7828 3.2.1: over UDP the option is ignored.
  if (source.is_tcp && query.edns.tcp_keepalive == dns::KeepaliveRequest::Asked)
    edns.tcp_idle_ds = tcp_idle_ds(settings);
  return edns;
}

bool must_prove_address(const Settings& settings, const Source& source, const Worker& worker) noexcept {
  // RFC 7873 5.2.3: who completed a TCP handshake receives what is sent to its address.
  return settings.cookies_required && !source.is_tcp && !worker.summary.has_valid_cookie;
}

std::size_t ask_for_proof(const dns::Query& query, dns::EdnsReply& edns, std::span<const std::uint8_t> packet,
                          std::span<std::uint8_t> reply, Worker& worker) noexcept {
  worker.summary.kind = AnswerKind::Cookie;
  edns.nsid = {};  // what goes to an address that may be forged is kept small
  if (edns.cookie) {
    worker.summary.rcode = dns::Rcode::BadCookie;
    worker.counters.add(Counter::BadCookie);
    return dns::write_error_reply(packet, query, dns::Rcode::BadCookie, edns, reply);
  }
  worker.summary.is_truncated = true;
  worker.counters.add(Counter::NoCookieTruncated);
  return dns::write_truncated_reply(packet, query, edns, reply);
}

std::size_t answer_cookie_query(const dns::QueryError& query, const dns::CookiePayload& cookie,
                                std::span<const std::uint8_t> packet, std::span<std::uint8_t> reply,
                                Worker& worker) noexcept {
  worker.summary.kind = AnswerKind::Cookie;
  worker.counters.add(Counter::CookieOnly);
  // RFC 7873 5.4: NOERROR for who asks for a first server cookie or has a good one, else BADCOOKIE.
  const bool is_bad = query.cookie.size() != dns::kClientCookieBytes && !worker.summary.has_valid_cookie;
  if (is_bad) worker.counters.add(Counter::BadCookie);
  worker.summary.rcode = is_bad ? dns::Rcode::BadCookie : dns::Rcode::NoError;
  return dns::write_cookie_reply(packet, query, worker.summary.rcode, cookie, reply);
}

}  // namespace meridian::query

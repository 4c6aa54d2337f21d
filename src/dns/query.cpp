#include "dns/query.hpp"

#include "base/limits.hpp"
#include "dns/reader.hpp"

#include <algorithm>
#include <optional>

namespace meridian::dns {
namespace {

/// Why parsing stopped; nullopt to go on.
using Stop = std::optional<QueryFault>;

/// Fills name, type, class and question_end; false leaves question_end 0. The packet has a whole header.
bool read_question(std::span<const std::uint8_t> packet, Query& query) noexcept {
  // There is nothing before the question that a compressed name could point to.
  const std::size_t name_end = find_name_end(packet, kHeaderBytes);
  if (name_end == 0 || packet.size() - name_end < kQuestionFixedBytes) return false;
  query.name = Name{NameView{packet.subspan(kHeaderBytes, name_end - kHeaderBytes)}};
  query.name.make_lower();
  query.type = static_cast<Rtype>(load_u16(packet.data() + name_end));
  query.rclass = static_cast<Rclass>(load_u16(packet.data() + name_end + 2));
  query.question_end = static_cast<std::uint16_t>(name_end + kQuestionFixedBytes);
  return true;
}

Stop read_client_subnet(std::span<const std::uint8_t> payload, bool& seen, Edns& edns) noexcept {
  // RFC 7871 has one option a query; two could steer the answer by one and cache it under the other.
  if (seen) return QueryFault::ClientSubnetTwice;
  seen = true;
  const auto subnet = parse_client_subnet(payload);
  if (!subnet) return QueryFault::ClientSubnet;
  edns.client_subnet = *subnet;
  return {};
}

/// RFC 7873 5.2: of several cookies the first one counts. 5.2.2: a length that no cookie has is malformed,
/// whether cookies are on or off.
Stop read_cookie(std::span<const std::uint8_t> payload, Edns& edns) noexcept {
  if (!edns.cookie.empty()) return {};
  if (!is_cookie_size(payload.size())) return QueryFault::Cookie;
  edns.cookie = payload;
  return {};
}

Stop read_option(EdnsOption code, std::span<const std::uint8_t> payload, bool& client_subnet_seen,
                 Edns& edns) noexcept {
  switch (code) {
    case EdnsOption::ClientSubnet:
      return read_client_subnet(payload, client_subnet_seen, edns);
    case EdnsOption::Cookie:
      return read_cookie(payload, edns);
    case EdnsOption::Nsid:
      edns.nsid_requested = true;
      return {};
    case EdnsOption::TcpKeepalive:
      edns.tcp_keepalive = payload.empty() ? KeepaliveRequest::Asked : KeepaliveRequest::Malformed;
      return {};
    default:
      return {};
  }
}

Stop read_options(std::span<const std::uint8_t> rdata, Edns& edns) noexcept {
  Reader options{rdata};
  bool client_subnet_seen = false;
  for (std::size_t count = 0; !options.is_at_end(); ++count) {
    if (count == base::limits::kEdnsOptionsMax || !options.has(kOptionHeadBytes)) return QueryFault::Options;
    const auto code = static_cast<EdnsOption>(options.u16());
    const std::size_t length = options.u16();
    if (!options.has(length)) return QueryFault::Options;
    const auto payload = options.take(length);
    if (const auto stop = read_option(code, payload, client_subnet_seen, edns)) return stop;
  }
  return {};
}

Stop read_opt(std::uint16_t udp_size, std::uint32_t ttl, std::span<const std::uint8_t> rdata,
              Edns& edns) noexcept {
  if (edns.present) return QueryFault::OptTwice;
  edns.present = true;
  edns.dnssec_ok = (ttl & kDnssecOkBit) != 0;
  edns.version = static_cast<std::uint8_t>(ttl >> 16);
  edns.udp_size = std::max<std::uint16_t>(udp_size, base::limits::kUdpPlainAnswerBytes);
  // Before the options: what they look like in another version nobody knows (RFC 6891 6.1.3).
  if (edns.version != 0) return QueryFault::EdnsVersion;
  return read_options(rdata, edns);
}

Stop read_additional(Reader& reader, Edns& edns) noexcept {
  const std::size_t owner_at = reader.at();
  if (!reader.skip_name()) return QueryFault::Record;
  const bool owner_is_root = reader.at() == owner_at + 1;
  if (!reader.has(kRecordFixedBytes)) return QueryFault::Record;
  const auto type = static_cast<Rtype>(reader.u16());
  const std::uint16_t rclass = reader.u16();
  const std::uint32_t ttl = reader.u32();
  const std::size_t length = reader.u16();
  if (!reader.has(length)) return QueryFault::Record;
  const auto rdata = reader.take(length);
  if (type != Rtype::Opt) return {};
  if (!owner_is_root) return QueryFault::OptOwner;
  return read_opt(rclass, ttl, rdata, edns);
}

/// False when one of them is cut off or its owner is malformed.
bool skip_records(Reader& reader, std::size_t count) noexcept {
  for (; count > 0; --count) {
    if (!reader.skip_name() || !reader.has(kRecordFixedBytes)) return false;
    const auto fixed = reader.take(kRecordFixedBytes);
    if (!reader.skip(load_u16(fixed.data() + kRecordFixedBytes - 2))) return false;
  }
  return true;
}

/// RFC 6891 6.1.1: whoever sends OPT gets OPT, also with an operation that we do not have. Whatever else is
/// wrong behind such a question does not matter.
void find_opt(std::span<const std::uint8_t> packet, const Header& header, Query& query) noexcept {
  Reader reader{packet, query.question_end};
  if (!skip_records(reader, header.answer_count) || !skip_records(reader, header.authority_count)) return;
  for (std::size_t left = header.additional_count; left > 0; --left) {
    if (read_additional(reader, query.edns)) return;
  }
}

/// Everything behind the question.
Stop read_records(Reader& reader, const Header& header, Query& query) noexcept {
  // RFC 1995 3: an IXFR query shows the asker's SOA in the authority section; that one is skipped, for the
  // caller to refuse the transfer by name.
  if (header.answer_count != 0 || (header.authority_count != 0 && query.type != Rtype::Ixfr)) {
    return QueryFault::RecordsPresent;
  }
  if (!skip_records(reader, header.authority_count)) return QueryFault::Record;
  // Each turn takes at least 11 bytes, so the packet's size bounds the loop, whatever the count says.
  for (std::size_t left = header.additional_count; left > 0; --left) {
    if (const auto stop = read_additional(reader, query.edns)) return stop;
  }
  if (!reader.is_at_end()) return QueryFault::TrailingBytes;
  return {};
}

/// RFC 7873 5.4: without a question, a client may ask for a server cookie.
QueryFault read_cookie_query(std::span<const std::uint8_t> packet, const Header& header,
                             Query& query) noexcept {
  Reader reader{packet, kHeaderBytes};
  if (const auto stop = read_records(reader, header, query)) return *stop;
  return query.edns.cookie.empty() ? QueryFault::QuestionCount : QueryFault::CookieOnly;
}

}  // namespace

QueryError refusal_of(const Query& query, QueryFault fault) noexcept {
  return {.fault = fault,
          .edns_present = query.edns.present,
          .dnssec_ok = query.edns.dnssec_ok,
          .question_end = query.question_end,
          .cookie = query.edns.cookie};
}

base::Expected<Query, QueryError> parse_query(std::span<const std::uint8_t> packet) noexcept {
  Query query;
  const auto refuse = [&query](QueryFault fault) { return base::unexpected(refusal_of(query, fault)); };
  if (packet.size() < kHeaderBytes) return refuse(QueryFault::TooShort);
  const Header header = read_header(packet.first<kHeaderBytes>());
  if (header.has(header_bits::kResponse)) return refuse(QueryFault::IsResponse);
  query.id = header.id;
  query.opcode = header.opcode();
  query.recursion_desired = header.has(header_bits::kRecursionDesired);
  query.checking_disabled = header.has(header_bits::kCheckingDisabled);

  const bool has_question = header.question_count == 1 && read_question(packet, query);
  if (query.opcode != Opcode::Query) {
    if (has_question) find_opt(packet, header, query);
    return refuse(QueryFault::OpcodeUnknown);
  }
  if (header.question_count == 0) return refuse(read_cookie_query(packet, header, query));
  if (header.question_count != 1) return refuse(QueryFault::QuestionCount);
  if (!has_question) return refuse(QueryFault::Question);

  Reader reader{packet, query.question_end};
  if (const auto stop = read_records(reader, header, query)) return refuse(*stop);
  return query;
}

std::size_t udp_reply_bytes_max(const Query& query) noexcept {
  return std::min<std::size_t>(query.edns.udp_size, base::limits::kUdpAnswerBytesMax);
}

}  // namespace meridian::dns

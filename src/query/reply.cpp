#include "query/reply.hpp"

#include "base/assert.hpp"
#include "dns/error_reply.hpp"
#include "query/edns.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace meridian::query {
namespace {

using stats::Counter;

constexpr dns::ExtendedErrorNote kAllDownNote{dns::ExtendedError::Other, "no healthy endpoint"};
constexpr dns::ExtendedErrorNote kChainNote{dns::ExtendedError::Other, "CNAME chain too long"};
static_assert(kAllDownNote.text.size() <= base::limits::kExtendedErrorTextBytesMax);
static_assert(kChainNote.text.size() <= base::limits::kExtendedErrorTextBytesMax);

Counter counter_of(dns::Rcode rcode) noexcept {
  switch (rcode) {
    case dns::Rcode::NotImp:
      return Counter::NotImp;
    case dns::Rcode::BadVers:
      return Counter::BadVers;
    default:
      return Counter::FormErr;
  }
}

/// Types 128–255 ask for something other than data (RFC 6895 3.1); ANY alone is served, as RFC 8482 has it.
bool is_meta(dns::Rtype type) noexcept {
  const auto number = static_cast<std::uint16_t>(type);
  return type == dns::Rtype::Opt || (number >= 128 && number <= 254);
}

/// Calls `visit(rdata)` for each record of an rrset; `visit` returns false to stop.
template <typename Visit>
bool for_each_rdata(const zone::Rrset& rrset, const Visit& visit) noexcept {
  std::span<const std::uint8_t> rest = rrset.records;
  for (std::size_t i = 0; i < rrset.count; ++i) {
    const std::size_t length = dns::load_u16(rest.data());
    if (!visit(rest.subspan(2, length))) return false;
    rest = rest.subspan(2 + length);
  }
  return true;
}

std::optional<base::IpPrefix> subnet_of(const dns::Query& query) noexcept {
  if (!query.edns.client_subnet) return std::nullopt;
  return query.edns.client_subnet->source;
}

}  // namespace

std::size_t reject(const dns::QueryError& error, const Settings& settings, const Source& source,
                   std::span<const std::uint8_t> packet, std::span<std::uint8_t> reply,
                   Worker& worker) noexcept {
  auto& counters = worker.counters;
  if (error.is_silent()) {
    counters.add(error.fault == dns::QueryFault::TooShort ? Counter::DroppedShort : Counter::DroppedResponse);
    return 0;
  }
  const auto cookie = take_cookie(error.cookie, settings, source, worker);
  if (error.fault == dns::QueryFault::CookieOnly && cookie)
    return answer_cookie_query(error, *cookie, packet, reply, worker);
  worker.summary.kind = AnswerKind::Malformed;
  worker.summary.rcode = error.rcode();
  counters.add(counter_of(error.rcode()));
  return dns::write_error_reply(packet, error, reply, cookie);
}

std::size_t refuse(const dns::Query& query, dns::EdnsReply& edns, std::span<const std::uint8_t> packet,
                   std::span<std::uint8_t> reply, Worker& worker) noexcept {
  worker.summary.kind = AnswerKind::Refused;
  worker.summary.rcode = dns::Rcode::Refused;
  worker.counters.add(Counter::Refused);
  edns.extended_error = {
      is_meta(query.type) ? dns::ExtendedError::NotSupported : dns::ExtendedError::NotAuthoritative, {}};
  return dns::write_error_reply(packet, query, dns::Rcode::Refused, edns, reply);
}

bool is_malformed_over(const Source& source, const dns::Query& query) noexcept {
  // RFC 7828 3.2.1: a client sends the option empty; over UDP it is ignored, whatever it holds.
  return source.is_tcp && query.edns.tcp_keepalive == dns::KeepaliveRequest::Malformed;
}

void count_query(const dns::Query& query, stats::Counters& counters) noexcept {
  if (query.edns.present) counters.add(Counter::EdnsQueries);
  if (query.edns.client_subnet) counters.add(Counter::ClientSubnetQueries);
}

bool is_servable(const dns::Query& query) noexcept {
  return query.rclass == dns::Rclass::In && !is_meta(query.type);
}

Reply::Reply(const Snapshot& snapshot, const Tables& tables, const Source& source, Worker& worker,
             const dns::Query& query, dns::EdnsReply& edns, std::span<const std::uint8_t> packet,
             std::span<std::uint8_t> out) noexcept
    : snapshot_(snapshot),
      tables_(tables),
      source_(source),
      worker_(worker),
      query_(query),
      writer_(out, source.is_tcp ? out.size() : std::min(out.size(), dns::udp_reply_bytes_max(query))),
      edns_(edns) {
  worker.summary.kind = AnswerKind::Static;
  writer_.begin_reply(query, packet, dns::Rcode::NoError);
  // dns/edns.hpp asserts that 512 bytes hold any question and any OPT record.
  if (query.edns.present) MERIDIAN_ASSERT(writer_.reserve(dns::opt_record_bytes(edns_)));
}

std::size_t Reply::finish() noexcept {
  if (is_authoritative_) writer_.set_authoritative();
  if (query_.edns.present && !writer_.write_opt(edns_)) {
    edns_.extended_error.reset();  // the rest has its room reserved; an explanation never displaces records
    static_cast<void>(writer_.write_opt(edns_));
  }
  return writer_.finish();
}

void Reply::mark_truncated() noexcept {
  worker_.counters.add(Counter::Truncated);
  worker_.summary.is_truncated = true;
  writer_.set_truncated();
}

void Reply::set_rcode(dns::Rcode rcode) noexcept {
  worker_.summary.rcode = rcode;
  writer_.set_rcode(rcode);
}

std::size_t Reply::truncate() noexcept {
  mark_truncated();
  return finish();
}

std::size_t Reply::finish_static(dns::NameView name, const zone::Found& found) noexcept {
  const auto& rrset = found.rrset;
  if (!writer_.add_rrset(dns::Section::Answer, name, rrset.type, rrset.ttl_s, rrset.records))
    return truncate();
  worker_.counters.add(Counter::StaticAnswers);
  return finish();
}

std::size_t Reply::finish_steered(const zone::Zone& zone, dns::NameView name, base::ServiceId id) noexcept {
  const Service& service = snapshot_.services[base::index_of(id)];
  const auto subnet = subnet_of(query_);
  const Decision decision = decide(snapshot_, tables_, service, source_.address, subnet, worker_.random);
  worker_.summary.service = id;
  worker_.summary.scope_bits = decision.scope_bits;
  if (edns_.client_subnet) edns_.client_subnet->scope_bits = decision.scope_bits;
  if (subnet && decision.client.whose != Whose::ClientSubnet)
    worker_.counters.add(Counter::ClientSubnetIgnored);
  if (decision.choice.reason == steering::Reason::AllDown) {
    worker_.counters.add(Counter::AllDownAnswers);
    edns_.extended_error = kAllDownNote;
  }

  switch (decision.verdict) {
    case Verdict::NoData:
      return finish_negative(zone, dns::Rcode::NoError);
    case Verdict::ServFail:
      worker_.counters.add(Counter::ServFail);
      worker_.summary.kind = AnswerKind::ServFail;
      set_rcode(dns::Rcode::ServFail);
      return finish();
    case Verdict::Answer:
      break;
  }
  const std::uint16_t before = writer_.count(dns::Section::Answer);
  const Pool& pool = snapshot_.pools[base::index_of(decision.pool)];
  if (!add_addresses(name, pool, service, decision.ignore_health)) return truncate();
  // No healthy address of this type in the client's datacenter: A and AAAA stay together, so NODATA.
  if (writer_.count(dns::Section::Answer) == before) return finish_negative(zone, dns::Rcode::NoError);
  worker_.counters.add(Counter::SteeredAnswers);
  worker_.summary.kind = AnswerKind::Steered;
  worker_.summary.pool = decision.pool;
  worker_.summary.reason = decision.choice.reason;
  return finish();
}

bool Reply::add_addresses(dns::NameView name, const Pool& pool, const Service& service,
                          bool ignore_health) noexcept {
  const bool is_v6 = query_.type == dns::Rtype::Aaaa;
  const EndpointRange& range = is_v6 ? pool.v6 : pool.v4;
  const std::size_t record_bytes = is_v6 ? kAaaaRecordBytes : kARecordBytes;
  const Selection selection =
      select_endpoints(snapshot_, tables_.health, pool, range, ignore_health, service.answer, worker_.random);
  const auto mark = writer_.mark();
  const bool at_question = writer_.count(dns::Section::Answer) == 0;  // no CNAME before
  // Neighbours in the table are neighbours in the rendered records: copy them in one go.
  for (std::size_t begin = 0, end = 0; begin < selection.count; begin = end) {
    end = begin + 1;
    while (end < selection.count && selection.endpoints[end] == selection.endpoints[end - 1] + 1) ++end;
    const std::size_t first = selection.endpoints[begin] - range.begin;
    const auto images = std::span{snapshot_.records}.subspan(range.records_at + first * record_bytes,
                                                             (end - begin) * record_bytes);
    const bool fits =
        at_question ? writer_.add_raw(dns::Section::Answer, images, static_cast<std::uint16_t>(end - begin))
                    : writer_.add_raw(dns::Section::Answer, name, std::nullopt, images);
    if (fits) continue;
    writer_.rewind(mark);
    return false;
  }
  return true;
}

std::size_t Reply::finish_referral(const zone::Zone& zone, const zone::Found& found) noexcept {
  worker_.counters.add(Counter::Delegations);
  worker_.summary.kind = AnswerKind::Referral;
  if (writer_.count(dns::Section::Answer) != 0)
    return finish();  // a chain ended below a cut: the resolver asks on
  is_authoritative_ = false;
  const auto& rrset = found.rrset;
  if (!writer_.add_rrset(dns::Section::Authority, found.owner, rrset.type, rrset.ttl_s, rrset.records))
    return truncate();
  if (!add_glue(zone, found)) return truncate();
  return finish();
}

bool Reply::add_glue(const zone::Zone& zone, const zone::Found& found) noexcept {
  return for_each_rdata(found.rrset, [&](std::span<const std::uint8_t> rdata) {
    dns::Name host{dns::NameView{rdata}};
    host.make_lower();
    if (!host.view().is_at_or_under(zone.apex())) return true;
    // A referral without the addresses of servers inside the child leads nowhere; others are a courtesy.
    const bool is_needed = host.view().is_at_or_under(found.owner);
    for (const auto type : {dns::Rtype::A, dns::Rtype::Aaaa}) {
      const auto* glue = zone.find_rrset(host, type);
      if (glue == nullptr) continue;
      const bool fits = writer_.add_rrset(dns::Section::Additional, host, type, glue->ttl_s, glue->records);
      if (!fits && is_needed) return false;
    }
    return true;
  });
}

std::size_t Reply::finish_negative(const zone::Zone& zone, dns::Rcode rcode) noexcept {
  worker_.summary.kind = rcode == dns::Rcode::NxDomain ? AnswerKind::NxDomain : AnswerKind::NoData;
  worker_.counters.add(rcode == dns::Rcode::NxDomain ? Counter::NxDomain : Counter::NoData);
  set_rcode(rcode);
  const auto& soa = zone.soa();
  if (!writer_.add_rrset(dns::Section::Authority, zone.apex(), soa.type, zone.negative_ttl_s(),
                         soa.records)) {
    return truncate();
  }
  return finish();
}

std::size_t Reply::finish_outside() noexcept {
  worker_.counters.add(Counter::StaticAnswers);
  return finish();
}

std::size_t Reply::finish_chain_too_long() noexcept {
  worker_.counters.add(Counter::CnameChainTooLong);
  edns_.extended_error = kChainNote;
  return finish();
}

bool Reply::add_link(dns::NameView owner, dns::Rtype type, std::uint32_t ttl_s,
                     std::span<const std::uint8_t> records) noexcept {
  if (writer_.add_rrset(dns::Section::Answer, owner, type, ttl_s, records)) return true;
  mark_truncated();
  return false;
}

bool Reply::follow_cname(const zone::Found& found, dns::Name& name) noexcept {
  const auto& rrset = found.rrset;
  if (!add_link(name, rrset.type, rrset.ttl_s, rrset.records)) return false;
  name = dns::Name{dns::NameView{rrset.records.subspan(2)}};
  name.make_lower();
  return true;
}

bool Reply::follow_dname(const zone::Found& found, dns::Name& name) noexcept {
  const auto& rrset = found.rrset;
  // labels of `name` before the DNAME's owner, then the DNAME's target.
  std::array<std::uint8_t, 2 + base::limits::kNameBytesMax> record;
  const auto target = rrset.records.subspan(2);
  const std::size_t kept = name.view().size() - found.owner.size();
  const std::size_t size = kept + target.size();
  if (!add_link(found.owner, rrset.type, rrset.ttl_s, rrset.records)) return false;
  if (size > base::limits::kNameBytesMax) {
    worker_.counters.add(Counter::YxDomain);
    set_rcode(dns::Rcode::YxDomain);
    return false;
  }
  dns::store_u16(record.data(), static_cast<std::uint16_t>(size));
  std::memcpy(record.data() + 2, name.view().wire().data(), kept);
  std::memcpy(record.data() + 2 + kept, target.data(), target.size());
  const std::span<const std::uint8_t> synthesized{record.data(), 2 + size};
  if (!add_link(name, dns::Rtype::Cname, rrset.ttl_s, synthesized)) return false;
  name = dns::Name{dns::NameView{synthesized.subspan(2)}};
  name.make_lower();
  return true;
}

}  // namespace meridian::query

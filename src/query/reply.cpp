#include "query/reply.hpp"

#include "base/assert.hpp"
#include "dns/error_reply.hpp"
#include "query/additional.hpp"
#include "query/edns.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace meridian::query {
namespace {

using stats::Counter;

constexpr dns::ExtendedErrorNote kAllDownNote{dns::ExtendedError::Other, "no healthy endpoint"};
constexpr dns::ExtendedErrorNote kLowCapacityNote{dns::ExtendedError::Other, "too little is healthy"};
constexpr dns::ExtendedErrorNote kChainNote{dns::ExtendedError::Other, "CNAME chain too long"};
constexpr dns::ExtendedErrorNote kLoopNote{dns::ExtendedError::Other, "CNAME loop"};
static_assert(kAllDownNote.text.size() <= base::limits::kExtendedErrorTextBytesMax);
static_assert(kLowCapacityNote.text.size() <= base::limits::kExtendedErrorTextBytesMax);
static_assert(kLoopNote.text.size() <= base::limits::kExtendedErrorTextBytesMax);
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

std::optional<base::IpPrefix> subnet_of(const dns::Query& query) noexcept {
  if (!query.edns.client_subnet) return std::nullopt;
  return query.edns.client_subnet->source;
}

/// A copy of address records in `room`, with another TTL.
std::span<const std::uint8_t> with_ttl(std::span<const std::uint8_t> images, std::size_t record_bytes,
                                       std::uint32_t ttl_s, std::span<std::uint8_t> room) noexcept {
  constexpr std::size_t kTtlAt = 6;  // behind owner, type and class: see EndpointRange
  std::copy(images.begin(), images.end(), room.begin());
  for (std::size_t at = kTtlAt; at < images.size(); at += record_bytes) {
    for (std::size_t i = 0; i < 4; ++i) room[at + i] = static_cast<std::uint8_t>(ttl_s >> (24 - 8 * i));
  }
  return room.first(images.size());
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

bool Reply::add_alias(const Chain& chain) noexcept {
  worker_.summary.zone = chain.zone();
  const auto& found = chain.found();
  const bool is_dname = found.outcome == zone::Outcome::Dname;
  const bool is_owner_told = !is_dname || !chain.is_dname_repeated();
  const auto owner = is_dname ? found.owner : chain.name();
  bool fits = !is_owner_told || writer_.add_rrset(dns::Section::Answer, owner, found.rrset);
  // RFC 6672 3.1: the CNAME that a DNAME stands for has its TTL.
  if (fits && is_dname && chain.target()) {
    fits = writer_.add_rrset(dns::Section::Answer, chain.name(), dns::Rtype::Cname, found.rrset.ttl_s,
                             chain.synthesized());
  }
  if (!fits) mark_truncated();
  return fits;
}

std::size_t Reply::finish_static(const Chain& chain) noexcept {
  const auto& rrset = chain.found().rrset;
  if (!writer_.add_rrset(dns::Section::Answer, chain.name(), rrset)) return truncate();
  if (!is_steered_) count_answer();
  if (query_.type != dns::Rtype::Any) {
    add_additional(snapshot_.zones, *chain.zone(), chain.name(), rrset, writer_);
  } else if (source_.is_tcp) {
    add_other_sets(chain);
  }
  return finish();
}

void Reply::add_other_sets(const Chain& chain) noexcept {
  const auto& found = chain.found();
  chain.zone()->visit_rrsets(found.owner, [&](const dns::Rrset& rrset) {
    if (rrset.type == found.rrset.type) return;
    // RFC 8482 4.1 allows any subset: what even TCP cannot hold is left out.
    static_cast<void>(writer_.add_rrset(dns::Section::Answer, chain.name(), rrset));
  });
}

Decision Reply::decide_steered(const Chain& chain, const Service& service) noexcept {
  const auto subnet = subnet_of(query_);
  Decision decision = decide(snapshot_, tables_, service, source_.address, subnet, worker_.random);
  worker_.summary.service = chain.found().service;
  worker_.summary.by_client_subnet = decision.client.whose == Whose::ClientSubnet;
  worker_.summary.scope_bits = decision.scope_bits;
  worker_.summary.reason = decision.choice.reason;
  worker_.summary.tier = decision.choice.tier;
  worker_.summary.moved_by = decision.moved_by;
  if (decision.is_drawn) worker_.summary.variation = Variation::Drawn;
  if (edns_.client_subnet) edns_.client_subnet->scope_bits = decision.scope_bits;
  if (subnet && decision.client.whose != Whose::ClientSubnet)
    worker_.counters.add(Counter::ClientSubnetIgnored);
  if (decision.choice.reason == steering::Reason::AllDown) {
    worker_.counters.add(Counter::AllDownAnswers);
    edns_.extended_error = kAllDownNote;
  } else if (decision.choice.reason == steering::Reason::LowCapacity) {
    worker_.counters.add(Counter::LowCapacityAnswers);
    edns_.extended_error = kLowCapacityNote;
  }
  return decision;
}

std::optional<std::size_t> Reply::finish_steered(Chain& chain) noexcept {
  // Behind a steered alias another decision may need another scope, and an answer has one: the resolver asks
  // for that name itself.
  if (is_steered_) return finish();
  const Service& service = snapshot_.services[base::index_of(chain.found().service)];
  const Decision decision = decide_steered(chain, service);
  switch (decision.verdict) {
    case Verdict::NoData:
      return finish_negative(*chain.zone(), dns::Rcode::NoError);
    case Verdict::ServFail:
      worker_.counters.add(Counter::ServFail);
      worker_.summary.kind = AnswerKind::ServFail;
      set_rcode(dns::Rcode::ServFail);
      return finish();
    case Verdict::Answer:
      break;
  }
  worker_.summary.kind = AnswerKind::Steered;
  worker_.summary.pool = decision.pool;
  if (snapshot_.pools[base::index_of(decision.pool)].is_alias()) return add_target(chain, decision, service);
  return finish_addresses(chain, decision, service);
}

std::optional<std::size_t> Reply::add_target(Chain& chain, const Decision& decision,
                                             const Service& service) noexcept {
  const auto rdata = snapshot_.target_rdata(snapshot_.targets[decision.target]);
  const std::uint32_t ttl_s = ttl_of(service, decision);
  if (!writer_.add_rrset(dns::Section::Answer, chain.name(), dns::Rtype::Cname, ttl_s, rdata)) {
    return truncate();
  }
  if (ttl_s != service.ttl_s) worker_.counters.add(Counter::TtlShapedAnswers);
  is_steered_ = true;
  count_answer();
  // RFC 1034 4.3.2 step 3a: who asks for the CNAME itself has it; for ANY one set is enough (RFC 8482 4.1).
  if (query_.type == dns::Rtype::Cname || query_.type == dns::Rtype::Any) return finish();
  const ChainStop stop = chain.follow_to(dns::NameView{rdata.subspan(2)});
  if (stop != ChainStop::None) return finish_stopped(stop);
  return std::nullopt;
}

std::size_t Reply::finish_addresses(const Chain& chain, const Decision& decision,
                                    const Service& service) noexcept {
  const std::uint16_t before = writer_.count(dns::Section::Answer);
  const bool is_any = query_.type == dns::Rtype::Any;
  const auto type = is_any ? dns::Rtype::A : query_.type;
  if (!add_addresses(chain.name(), type, decision, service)) return truncate();
  // RFC 8482 4.1: one set is enough for ANY, but it must be one that is there.
  if (is_any && writer_.count(dns::Section::Answer) == before &&
      !add_addresses(chain.name(), dns::Rtype::Aaaa, decision, service)) {
    return truncate();
  }
  // No healthy address of this type in the client's datacenter: A and AAAA stay together, so NODATA.
  if (writer_.count(dns::Section::Answer) == before)
    return finish_negative(*chain.zone(), dns::Rcode::NoError);
  is_steered_ = true;
  count_answer();
  return finish();
}

void Reply::count_answer() noexcept {
  worker_.counters.add(is_steered_ ? Counter::SteeredAnswers : Counter::StaticAnswers);
}

bool Reply::add_addresses(dns::NameView name, dns::Rtype type, const Decision& decision,
                          const Service& service) noexcept {
  const Pool& pool = snapshot_.pools[base::index_of(decision.pool)];
  // At a name that some clients get a CNAME for, every type is steered, and an address pool has two.
  if (type != dns::Rtype::A && type != dns::Rtype::Aaaa) return true;
  const bool is_v6 = type == dns::Rtype::Aaaa;
  const EndpointRange& range = is_v6 ? pool.v6 : pool.v4;
  const std::size_t record_bytes = is_v6 ? kAaaaRecordBytes : kARecordBytes;
  const Selection selection = select_endpoints(snapshot_, tables_.health, range, decision.ignore_health,
                                               service.answer, worker_.random);
  worker_.summary.variation = std::max(worker_.summary.variation, selection.variation);
  const std::uint32_t ttl_s = ttl_of(service, decision);
  if (ttl_s != service.ttl_s && selection.count != 0) worker_.counters.add(Counter::TtlShapedAnswers);
  const auto mark = writer_.mark();
  const bool at_question = writer_.count(dns::Section::Answer) == 0;  // no CNAME before
  // Neighbours in the table are neighbours in the rendered records: copy them in one go.
  const std::uint32_t* const chosen = selection.endpoints.data();
  const std::uint8_t* const records = snapshot_.records.data() + range.records_at;
  for (std::size_t begin = 0, end = 0; begin < selection.count; begin = end) {
    end = begin + 1;
    while (end < selection.count && chosen[end] == chosen[end - 1] + 1) ++end;
    const std::size_t first = chosen[begin] - range.begin;
    std::span<const std::uint8_t> images{records + first * record_bytes, (end - begin) * record_bytes};
    std::array<std::uint8_t, base::limits::kAnswerAddressesMax * kAaaaRecordBytes> shaped;
    if (ttl_s != service.ttl_s) images = with_ttl(images, record_bytes, ttl_s, shaped);
    const bool fits =
        at_question ? writer_.add_raw(dns::Section::Answer, images, static_cast<std::uint16_t>(end - begin))
                    : writer_.add_raw(dns::Section::Answer, name, std::nullopt, images);
    if (fits) continue;
    writer_.rewind(mark);
    return false;
  }
  return true;
}

std::size_t Reply::finish_referral(const Chain& chain) noexcept {
  worker_.counters.add(Counter::Delegations);
  worker_.summary.kind = AnswerKind::Referral;
  // Behind an alias the answer is ours (RFC 1035 4.1.1: AA is about the first name), and the referral only
  // saves the resolver a question.
  const bool is_optional = writer_.count(dns::Section::Answer) != 0;
  is_authoritative_ = is_optional;
  const auto& found = chain.found();
  const bool fits = writer_.add_rrset(dns::Section::Authority, found.owner, found.rrset) &&
                    add_glue(*chain.zone(), found, writer_);
  return fits || is_optional ? finish() : truncate();
}

std::size_t Reply::finish_negative(const zone::Zone& zone, dns::Rcode rcode) noexcept {
  worker_.summary.kind = rcode == dns::Rcode::NxDomain ? AnswerKind::NxDomain : AnswerKind::NoData;
  worker_.counters.add(rcode == dns::Rcode::NxDomain ? Counter::NxDomain : Counter::NoData);
  set_rcode(rcode);
  if (!writer_.add_rrset(dns::Section::Authority, zone.apex(), zone.soa(), zone.negative_ttl_s())) {
    return truncate();
  }
  return finish();
}

std::size_t Reply::finish_outside() noexcept {
  if (!is_steered_) count_answer();
  return finish();
}

std::size_t Reply::finish_stopped(ChainStop stop) noexcept {
  switch (stop) {
    case ChainStop::NameTooLong:
      worker_.counters.add(Counter::YxDomain);
      set_rcode(dns::Rcode::YxDomain);
      break;
    // The records are true, so they are told; whoever follows them ends as we did.
    case ChainStop::Loop:
      worker_.counters.add(Counter::CnameLoops);
      edns_.extended_error = kLoopNote;
      break;
    case ChainStop::TooLong:
      worker_.counters.add(Counter::CnameChainTooLong);
      edns_.extended_error = kChainNote;
      break;
    case ChainStop::None:
      break;
  }
  return finish();
}

std::size_t Reply::finish_identity(std::span<const std::uint8_t> records) noexcept {
  // TTL 0: about this server, not about its anycast address (RFC 4892 2).
  if (!writer_.add_rrset(dns::Section::Answer, query_.name, dns::Rtype::Txt, 0, records)) return truncate();
  worker_.counters.add(Counter::IdentityAnswers);
  return finish();
}

}  // namespace meridian::query

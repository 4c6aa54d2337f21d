#include "query/answer.hpp"

#include "dns/error_reply.hpp"
#include "dns/query.hpp"
#include "query/edns.hpp"
#include "query/reply.hpp"

namespace meridian::query {
namespace {

std::size_t write_answer(const Snapshot& snapshot, const Tables& tables, const Source& source,
                         const dns::Query& query, std::span<const std::uint8_t> packet,
                         std::span<std::uint8_t> reply_bytes, Worker& worker) noexcept {
  count_query(query, worker.counters);
  auto edns = begin_edns(query, snapshot.settings, source, worker);
  if (must_prove_address(snapshot.settings, source, worker))
    return ask_for_proof(query, edns, packet, reply_bytes, worker);
  if (!is_servable(query)) return refuse(query, edns, packet, reply_bytes, worker);

  Reply reply(snapshot, tables, source, worker, query, edns, packet, reply_bytes);
  dns::Name name = query.name;
  for (std::size_t hop = 0; hop < base::limits::kCnameChainMax; ++hop) {
    const zone::HashedName hashed(name);
    const auto* zone = snapshot.zones.find(hashed, query.type);
    if (zone == nullptr && hop == 0) return refuse(query, edns, packet, reply_bytes, worker);
    if (zone == nullptr) return reply.finish_outside();

    worker.summary.zone = zone;
    const auto found = zone->lookup(hashed, query.type);
    if (hop == 0) worker.summary.owner = found.owner;
    switch (found.outcome) {
      case zone::Outcome::Answer:
        return reply.finish_static(name, found);
      // Only a steered answer depends on the client, so only here may the ECS scope exceed 0.
      case zone::Outcome::Steered:
        return reply.finish_steered(*zone, name, found.service);
      case zone::Outcome::Delegation:
        return reply.finish_referral(*zone, found);
      case zone::Outcome::NoData:
        return reply.finish_negative(*zone, dns::Rcode::NoError);
      case zone::Outcome::NxDomain:
        return reply.finish_negative(*zone, dns::Rcode::NxDomain);
      case zone::Outcome::Cname:
        if (!reply.follow_cname(found, name)) return reply.finish();
        break;
      case zone::Outcome::Dname:
        if (!reply.follow_dname(found, name)) return reply.finish();
        break;
    }
  }
  return reply.finish_chain_too_long();
}

}  // namespace

std::size_t answer_query(const Snapshot& snapshot, const Tables& tables, const Source& source,
                         std::span<const std::uint8_t> packet, std::span<std::uint8_t> reply,
                         Worker& worker) noexcept {
  worker.summary = {};
  auto query = dns::parse_query(packet);
  if (query && is_malformed_over(source, *query))
    query = base::unexpected(dns::refusal_of(*query, dns::QueryFault::TcpKeepalive));
  const std::size_t size = query ? write_answer(snapshot, tables, source, *query, packet, reply, worker)
                                 : reject(query.error(), snapshot.settings, source, packet, reply, worker);
  return limit_rate(snapshot, tables, source, query ? &*query : nullptr, packet, reply, size, worker);
}

}  // namespace meridian::query

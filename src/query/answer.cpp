#include "query/answer.hpp"

#include "dns/error_reply.hpp"
#include "dns/query.hpp"
#include "query/asked.hpp"
#include "query/chain.hpp"
#include "query/edns.hpp"
#include "query/identity.hpp"
#include "query/reply.hpp"

namespace meridian::query {
namespace {

std::size_t write_answer(const Snapshot& snapshot, const Tables& tables, const Source& source,
                         const Asked& asked, std::span<const std::uint8_t> packet,
                         std::span<std::uint8_t> reply_bytes, Worker& worker) noexcept {
  const dns::Query& query = *asked.query();
  count_query(query, worker.counters);
  worker.summary.type = query.type;
  auto edns = begin_edns(query, snapshot.settings, source, worker);
  if (must_prove_address(snapshot.settings, source, worker))
    return ask_for_proof(query, edns, packet, reply_bytes, worker);
  if (query.rclass == dns::Rclass::Ch) {
    const auto identity = find_identity(snapshot.settings, query);
    if (identity.empty()) return refuse(query, edns, packet, reply_bytes, worker);
    return Reply(snapshot, tables, source, worker, query, edns, packet, reply_bytes)
        .finish_identity(identity);
  }
  if (!is_servable(query)) return refuse(query, edns, packet, reply_bytes, worker);

  if (asked.zone() == nullptr) return refuse(query, edns, packet, reply_bytes, worker);
  Chain chain(snapshot.zones, asked.name(), query.type, asked.zone());
  worker.summary.owner = chain.found().owner;

  Reply reply(snapshot, tables, source, worker, query, edns, packet, reply_bytes);
  for (;;) {
    while (chain.is_at_alias()) {
      if (!reply.add_alias(chain)) return reply.finish();
      const ChainStop stop = chain.follow();
      if (stop != ChainStop::None) return reply.finish_stopped(stop);
    }
    if (chain.zone() == nullptr) return reply.finish_outside();
    worker.summary.zone = chain.zone();
    if (chain.found().outcome != zone::Outcome::Steered) break;
    // Only a steered answer depends on the client, so only here may the ECS scope exceed 0. Where it is
    // another name, the chain goes on from there.
    if (const auto size = reply.finish_steered(chain)) return *size;
  }

  switch (chain.found().outcome) {
    case zone::Outcome::Answer:
      return reply.finish_static(chain);
    case zone::Outcome::Delegation:
      return reply.finish_referral(chain);
    case zone::Outcome::NxDomain:
      return reply.finish_negative(*chain.zone(), dns::Rcode::NxDomain);
    case zone::Outcome::NoData:
    case zone::Outcome::Steered:  // not here: the loop ends behind these
    case zone::Outcome::Cname:
    case zone::Outcome::Dname:
      break;
  }
  return reply.finish_negative(*chain.zone(), dns::Rcode::NoError);
}

}  // namespace

std::size_t answer_query(const Snapshot& snapshot, const Tables& tables, const Source& source,
                         std::span<const std::uint8_t> packet, std::span<std::uint8_t> reply,
                         Worker& worker) noexcept {
  return answer_query(snapshot, tables, source, Asked(snapshot, source, packet), packet, reply, worker);
}

[[gnu::flatten]] std::size_t compose_reply(const Snapshot& snapshot, const Tables& tables,
                                           const Source& source, const Asked& asked,
                                           std::span<const std::uint8_t> packet,
                                           std::span<std::uint8_t> reply, Worker& worker) noexcept {
  worker.summary = {};
  const auto& query = asked.query();
  if (!query) return reject(query.error(), snapshot.settings, source, packet, reply, worker);
  if (is_malformed_over(source, *query)) {
    const auto error = dns::refusal_of(*query, dns::QueryFault::TcpKeepalive);
    return reject(error, snapshot.settings, source, packet, reply, worker);
  }
  return write_answer(snapshot, tables, source, asked, packet, reply, worker);
}

std::size_t answer_query(const Snapshot& snapshot, const Tables& tables, const Source& source,
                         const Asked& asked, std::span<const std::uint8_t> packet,
                         std::span<std::uint8_t> reply, Worker& worker) noexcept {
  const std::size_t size = compose_reply(snapshot, tables, source, asked, packet, reply, worker);
  return limit_rate(snapshot, tables, source, packet, reply, size, worker);
}

}  // namespace meridian::query

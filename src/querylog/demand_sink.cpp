#include "querylog/demand_sink.hpp"

#include "dns/query.hpp"

namespace meridian::querylog {
namespace {

/// Who was steered. Of a client subnet it is the first address, as in query::locate().
base::IpAddress client_of(const Record& record) {
  if (!record.facts.by_client_subnet) return record.facts.client;
  const auto query = dns::parse_query(record.query);
  return query && query->edns.client_subnet ? query->edns.client_subnet->source.address : record.facts.client;
}

}  // namespace

void DemandSink::put(const Record& record) {
  counters_.add(stats::Counter::DemandQueries);
  if (book_.add(client_of(record), record.facts.sample)) counters_.add(stats::Counter::DemandEvicted);
}

}  // namespace meridian::querylog

// What the server counts: the list of counters, one block of them per thread, and their sums.
//
// No gauges, no histograms, no text format: control/ prints these. Each block has one writing thread; any
// thread may read it. HOT: Counters::add compiles to a plain add, without a lock prefix.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string_view>

namespace meridian::stats {

enum class Counter : std::uint8_t {
  // Counted by net/, which knows messages and connections but not what they mean.
  UdpQueries,
  UdpAnswers,
  UdpOversized,
  UdpPortZero,
  UdpReceiveErrors,
  UdpReceiveDrops,
  UdpSendErrors,
  UdpProxyDenied,
  UdpProxyMalformed,
  TcpQueries,
  TcpAnswers,
  TcpConnections,
  TcpRejectedLimit,
  TcpRejectedClientLimit,
  TcpEvicted,
  TcpEvictedClientLimit,
  TcpIdleClosed,
  TcpLifetimeClosed,
  TcpTimeouts,
  TcpBadLength,
  TcpUnanswered,
  TcpAborted,
  TcpAcceptErrors,
  TcpProxyDenied,
  TcpProxyMalformed,
  // Counted by query/.
  EdnsQueries,
  ClientSubnetQueries,
  ClientSubnetIgnored,
  SteeredAnswers,
  StaticAnswers,
  IdentityAnswers,
  KeptAnswers,
  Delegations,
  AllDownAnswers,
  LowCapacityAnswers,
  TtlShapedAnswers,
  NoData,
  NxDomain,
  Refused,
  FormErr,
  NotImp,
  BadVers,
  ServFail,
  CookiesValid,
  CookiesInvalid,
  CookiesClientOnly,
  CookieOnly,
  BadCookie,
  NoCookieTruncated,
  Truncated,
  CnameLoops,
  CnameChainTooLong,
  YxDomain,
  DroppedShort,
  DroppedResponse,
  RateLimitResponses,
  RateLimitNoData,
  RateLimitNxDomain,
  RateLimitReferrals,
  RateLimitErrors,
  RateLimitDropped,
  RateLimitSlipped,
  // Counted by control/.
  ReloadsOk,
  ReloadsFailed,
  ReloadsExpectationBroken,
  ReloadsEmptied,
  EpochsRestored,
  EpochsNotKept,
  Rollbacks,
  GeoipActivated,
  GeoipHeld,
  UpgradesOk,
  UpgradesFailed,
  ControlRequests,
  ControlErrors,
  SheddingChanges,
  ProbesOk,
  ProbesFailed,
  ProbesUnknown,
  EndpointUps,
  EndpointDowns,
  EndpointUnknowns,
  ChecksSuspect,
  Panics,
  NetworksFileConflicts,
  // Counted by querylog/.
  QueryLogLines,
  QueryLogDropped,
  QueryLogFailed,
  DnstapFrames,
  DnstapDropped,
  DemandQueries,
  DemandDropped,
  DemandEvicted,
  // Counted by probe/.
  Probes,
  ProbeFailures,
  ProbeWarnings,
  ProbesDelayed,
  ProbesDisregarded,
  // Counted by journal/.
  JournalRows,
  JournalDropped,
  JournalErrors,
  JournalCorrupt,
  // Counted by control/, later than the others.
  OverrideChanges,
  OverridesRefused,
  ControlDenied,
  EventSubscribers,
  EventsSent,
  EventSubscribersDropped,
};

inline constexpr std::size_t kCounterCount = static_cast<std::size_t>(Counter::EventSubscribersDropped) + 1;

/// How one counter is shown. The unit stands in the name as well, as Prometheus wants it.
struct CounterInfo {
  Counter counter;
  std::string_view name;  ///< snake_case, ends in `_total`.
  std::string_view unit;  ///< Plural.
  std::string_view help;  ///< One sentence.
};

/// In the order of the enum, so that a counter is its own index. docs/counters.md lists the same names.
inline constexpr auto kCounterTable = std::to_array<CounterInfo>({
    {Counter::UdpQueries, "udp_queries_total", "queries",
     "Messages that arrived over UDP and were looked at."},
    {Counter::UdpAnswers, "udp_answers_total", "answers",
     "Answers that the kernel took for sending over UDP."},
    {Counter::UdpOversized, "udp_oversized_queries_total", "queries",
     "UDP messages dropped because they were longer than any query can be."},
    {Counter::UdpPortZero, "udp_port_zero_queries_total", "queries",
     "UDP messages dropped because their source port was 0, to which nobody can answer."},
    {Counter::UdpReceiveErrors, "udp_receive_errors_total", "errors",
     "Errors the kernel reported when asked for UDP messages."},
    {Counter::UdpReceiveDrops, "udp_receive_drops_total", "drops",
     "UDP messages that the kernel dropped, because no worker fetched them before the receive buffer was "
     "full."},
    {Counter::UdpSendErrors, "udp_send_errors_total", "errors",
     "UDP answers lost because the kernel did not take them."},
    {Counter::UdpProxyDenied, "udp_proxy_denied_queries_total", "queries",
     "UDP messages dropped because they came to a PROXY listener from outside its networks."},
    {Counter::UdpProxyMalformed, "udp_proxy_malformed_queries_total", "queries",
     "UDP messages dropped because no well-formed PROXY header preceded the query."},
    {Counter::TcpQueries, "tcp_queries_total", "queries",
     "Messages that arrived over TCP and were looked at."},
    {Counter::TcpAnswers, "tcp_answers_total", "answers",
     "Answers that the kernel took for sending over TCP."},
    {Counter::TcpConnections, "tcp_connections_total", "connections",
     "TCP connections that were accepted and served."},
    {Counter::TcpRejectedLimit, "tcp_rejected_limit_connections_total", "connections",
     "TCP connections closed at once because the server had its limit of busy ones."},
    {Counter::TcpRejectedClientLimit, "tcp_rejected_client_limit_connections_total", "connections",
     "TCP connections closed at once because their client network had its limit of busy ones."},
    {Counter::TcpEvicted, "tcp_evicted_connections_total", "connections",
     "Idle TCP connections closed to make room for new ones at the server's limit."},
    {Counter::TcpEvictedClientLimit, "tcp_evicted_client_limit_connections_total", "connections",
     "Idle TCP connections closed to make room for new ones at their client network's limit."},
    {Counter::TcpIdleClosed, "tcp_idle_closed_connections_total", "connections",
     "TCP connections closed because they were idle for too long."},
    {Counter::TcpLifetimeClosed, "tcp_lifetime_closed_connections_total", "connections",
     "TCP connections closed because they had lived for as long as any may."},
    {Counter::TcpTimeouts, "tcp_timed_out_connections_total", "connections",
     "TCP connections closed because a message came, or an answer was taken, too slowly."},
    {Counter::TcpBadLength, "tcp_bad_length_connections_total", "connections",
     "TCP connections closed because a length field was 0 or longer than any query can be."},
    {Counter::TcpUnanswered, "tcp_unanswered_connections_total", "connections",
     "TCP connections closed because a message on them deserved no answer."},
    {Counter::TcpAborted, "tcp_aborted_connections_total", "connections",
     "TCP connections that the client broke off within a message or before it took its answers."},
    {Counter::TcpAcceptErrors, "tcp_accept_errors_total", "errors",
     "Errors the kernel reported when asked for new TCP connections."},
    {Counter::TcpProxyDenied, "tcp_proxy_denied_connections_total", "connections",
     "TCP connections closed at once because they came to a PROXY listener from outside its networks."},
    {Counter::TcpProxyMalformed, "tcp_proxy_malformed_connections_total", "connections",
     "TCP connections closed because they did not begin with a well-formed PROXY header."},
    {Counter::EdnsQueries, "edns_queries_total", "queries", "Queries that carried an OPT record."},
    {Counter::ClientSubnetQueries, "client_subnet_queries_total", "queries",
     "Queries that carried a well-formed client subnet option."},
    {Counter::ClientSubnetIgnored, "client_subnet_ignored_queries_total", "queries",
     "Queries whose client subnet was not used for the choice, because it names no public client."},
    {Counter::SteeredAnswers, "steered_answers_total", "answers",
     "Answers that depended on the client's place."},
    {Counter::StaticAnswers, "static_answers_total", "answers",
     "Answers with records that are the same for every client."},
    {Counter::IdentityAnswers, "identity_answers_total", "answers",
     "Answers to questions of class CH about the server itself: its site and its version."},
    {Counter::KeptAnswers, "kept_answers_total", "answers",
     "Answers that a worker had kept and gave again, each counted as what it is as well."},
    {Counter::Delegations, "delegation_answers_total", "answers",
     "Referrals to the name servers of a child zone."},
    {Counter::AllDownAnswers, "all_down_answers_total", "answers",
     "Steered answers given while no pool of the service was healthy."},
    {Counter::LowCapacityAnswers, "low_capacity_answers_total", "answers",
     "Steered answers given as if all were healthy, because too little of the service's capacity was."},
    {Counter::TtlShapedAnswers, "ttl_shaped_answers_total", "answers",
     "Steered answers with a shorter TTL than configured, because an endpoint was about to change its "
     "state."},
    {Counter::NoData, "nodata_answers_total", "answers",
     "Answers for names that exist without the type asked for."},
    {Counter::NxDomain, "nxdomain_answers_total", "answers",
     "Answers with NXDOMAIN, for names that do not exist."},
    {Counter::Refused, "refused_answers_total", "answers",
     "Answers with REFUSED, mostly for zones not served here."},
    {Counter::FormErr, "formerr_answers_total", "answers", "Answers with FORMERR, to malformed queries."},
    {Counter::NotImp, "notimp_answers_total", "answers",
     "Answers with NOTIMP, to operations the server does not have."},
    {Counter::BadVers, "badvers_answers_total", "answers", "Answers with BADVERS, to EDNS versions above 0."},
    {Counter::ServFail, "servfail_answers_total", "answers",
     "Answers with SERVFAIL, which the server could not compose."},
    {Counter::CookiesValid, "cookie_valid_queries_total", "queries",
     "Queries with a valid server cookie: the client proved its address."},
    {Counter::CookiesInvalid, "cookie_invalid_queries_total", "queries",
     "Queries with a server cookie that is forged, too old, or signed with a secret not known here."},
    {Counter::CookiesClientOnly, "cookie_client_only_queries_total", "queries",
     "Queries with a client cookie and no server cookie yet."},
    {Counter::CookieOnly, "cookie_only_answers_total", "answers",
     "Answers to queries that had a cookie and no question."},
    {Counter::BadCookie, "badcookie_answers_total", "answers",
     "Answers with BADCOOKIE, which bring a server cookie to come back with."},
    {Counter::NoCookieTruncated, "no_cookie_truncated_answers_total", "answers",
     "UDP answers with the TC bit and no records, because cookies are required and the query had none."},
    {Counter::Truncated, "truncated_answers_total", "answers", "UDP answers cut short with the TC bit set."},
    {Counter::CnameLoops, "cname_loop_answers_total", "answers",
     "Answers that ended early because their CNAME chain came back to a name it had been at."},
    {Counter::CnameChainTooLong, "cname_chain_too_long_answers_total", "answers",
     "Answers that ended early because their CNAME chain was longer than the limit."},
    {Counter::YxDomain, "yxdomain_answers_total", "answers",
     "Answers with YXDOMAIN, because a DNAME made the name too long."},
    {Counter::DroppedShort, "dropped_short_queries_total", "queries",
     "Messages dropped because they were shorter than a DNS header."},
    {Counter::DroppedResponse, "dropped_response_queries_total", "queries",
     "Messages dropped because they were responses (QR set), so that two servers never answer each other."},
    {Counter::RateLimitResponses, "rate_limit_responses_total", "responses",
     "Answers with records over the limit of their client network, name and type, whatever was done."},
    {Counter::RateLimitNoData, "rate_limit_nodata_answers_total", "answers",
     "NODATA answers over the limit of their client network and zone, whatever was done."},
    {Counter::RateLimitNxDomain, "rate_limit_nxdomain_answers_total", "answers",
     "NXDOMAIN answers over the limit of their client network and zone, whatever was done."},
    {Counter::RateLimitReferrals, "rate_limit_referrals_total", "referrals",
     "Referrals over the limit of their client network and delegation, whatever was done."},
    {Counter::RateLimitErrors, "rate_limit_errors_total", "errors",
     "Error answers over the limit of their client network, whatever was done."},
    {Counter::RateLimitDropped, "rate_limit_dropped_answers_total", "answers",
     "Answers not sent because they were over a rate limit."},
    {Counter::RateLimitSlipped, "rate_limit_slipped_answers_total", "answers",
     "Answers over a rate limit that were sent truncated (errors: as they were), one in `slip`."},
    {Counter::ReloadsOk, "reloads_ok_total", "reloads", "Reloads that published a new snapshot."},
    {Counter::ReloadsFailed, "reloads_failed_total", "reloads",
     "Reloads that found errors and kept the running snapshot."},
    {Counter::ReloadsExpectationBroken, "reloads_expectation_broken_total", "reloads",
     "Those of the failed reloads whose map broke one of its own expectations."},
    {Counter::ReloadsEmptied, "reloads_emptied_total", "reloads",
     "Those of the failed reloads whose map would have left a name that answers without an answer."},
    {Counter::EpochsRestored, "epochs_restored_total", "epochs",
     "Starts that began with the last epoch from the disk."},
    {Counter::EpochsNotKept, "epochs_not_kept_total", "epochs",
     "Epochs that serve and could not be written to the disk."},
    {Counter::Rollbacks, "rollbacks_total", "rollbacks", "Times an operator went back to an earlier epoch."},
    {Counter::GeoipActivated, "geoip_updates_activated_total", "updates",
     "Changed GeoIP or networks files that were taken into the map."},
    {Counter::GeoipHeld, "geoip_updates_held_total", "updates",
     "Changed GeoIP or networks files that were held, because they look wrong or move too many clients."},
    {Counter::UpgradesOk, "upgrades_ok_total", "upgrades",
     "Times a new server took over; carried over, so it counts the whole line of servers."},
    {Counter::UpgradesFailed, "upgrades_failed_total", "upgrades",
     "Times a new server did not take over, and the one that was asked went on."},
    {Counter::ControlRequests, "control_requests_total", "requests",
     "Requests to the control API, answered or not."},
    {Counter::ControlErrors, "control_errors_total", "errors",
     "Requests to the control API that were answered with an error."},
    {Counter::SheddingChanges, "shedding_changes_total", "changes",
     "Times a datacenter began or ceased to be drained or to shed a part of its clients."},
    {Counter::ProbesOk, "probes_ok_total", "probes", "Probes that found an endpoint well."},
    {Counter::ProbesFailed, "probes_failed_total", "probes", "Probes that did not find an endpoint well."},
    {Counter::ProbesUnknown, "probes_unknown_total", "probes",
     "Results of probes that no check of the map asks for any more."},
    {Counter::EndpointUps, "endpoint_ups_total", "ups", "Times an endpoint came up."},
    {Counter::EndpointDowns, "endpoint_downs_total", "downs", "Times an endpoint went down."},
    {Counter::EndpointUnknowns, "endpoint_unknowns_total", "unknowns",
     "Times nothing was known of an endpoint any more, because no probe of it had ended for too long."},
    {Counter::ChecksSuspect, "checks_suspect_total", "checks",
     "Times a check failed for every endpoint it watches at once, so that it was not believed."},
    {Counter::Panics, "panics_total", "panics",
     "Times more than half of a service's capacity would have gone down at once, and was kept."},
    {Counter::NetworksFileConflicts, "networks_file_conflicts_total", "networks",
     "Networks that stood in two networks files whose rules send them elsewhere, at every load of a map."},
    {Counter::QueryLogLines, "query_log_lines_total", "lines", "Lines written to the query log."},
    {Counter::QueryLogDropped, "query_log_dropped_lines_total", "lines",
     "Queries that were sampled for the query log and left out, because it was written too slowly."},
    {Counter::QueryLogFailed, "query_log_failed_lines_total", "lines",
     "Lines lost because the query log could not be opened or written."},
    {Counter::DnstapFrames, "dnstap_frames_total", "frames", "Frames handed to the dnstap collector."},
    {Counter::DnstapDropped, "dnstap_dropped_frames_total", "frames",
     "Queries that were sampled for dnstap and left out, because the collector was slow or away."},
    {Counter::DemandQueries, "demand_queries_total", "queries",
     "Sampled steered queries that were counted for their client network."},
    {Counter::DemandDropped, "demand_dropped_queries_total", "queries",
     "Steered queries that were sampled for demand and left out, because they came faster than they were "
     "counted."},
    {Counter::DemandEvicted, "demand_evicted_networks_total", "networks",
     "Client networks that lost their place among those counted to another one."},
    {Counter::Probes, "probes_total", "probes", "Probes of endpoints that came to a result."},
    {Counter::ProbeFailures, "probe_failures_total", "failures", "Probes that did not succeed."},
    {Counter::ProbeWarnings, "probe_warnings_total", "warnings",
     "Probes that found something to warn of, such as a certificate that ends soon."},
    {Counter::ProbesDelayed, "probes_delayed_total", "probes",
     "Probes that started late, because too many were on their way."},
    {Counter::ProbesDisregarded, "probes_disregarded_total", "probes",
     "Failed probes that were not believed, because this server was too busy to see an answer in time."},
    {Counter::JournalRows, "journal_rows_total", "rows", "Rows written to the journal."},
    {Counter::JournalDropped, "journal_dropped_states_total", "states",
     "Changes of an endpoint's state that the journal left out, because it is off or was too slow."},
    {Counter::JournalErrors, "journal_errors_total", "errors",
     "Times the journal could not be opened, read or written."},
    {Counter::JournalCorrupt, "journal_corrupt_files_total", "files",
     "Journals that were found damaged, moved aside and begun anew."},
    {Counter::OverrideChanges, "override_changes_total", "changes",
     "Times an override was set, began, or ended."},
    {Counter::OverridesRefused, "override_refusals_total", "refusals",
     "Overrides that were refused because too little of a service would have been left, or because they "
     "could "
     "not be written down."},
    {Counter::ControlDenied, "control_denied_requests_total", "requests",
     "Requests to the control API over HTTP without the token or the role that they need."},
    {Counter::EventSubscribers, "event_subscribers_total", "subscribers",
     "Clients that began to listen to events."},
    {Counter::EventsSent, "events_sent_total", "events", "Events handed to clients, each counted for each."},
    {Counter::EventSubscribersDropped, "event_subscribers_dropped_total", "subscribers",
     "Clients that were let go because they took events too slowly, or because too many listened."},
});

[[nodiscard]] constexpr bool counter_table_is_ordered() noexcept {
  for (std::size_t i = 0; i < kCounterTable.size(); ++i) {
    if (static_cast<std::size_t>(kCounterTable[i].counter) != i) return false;
  }
  return true;
}
static_assert(kCounterTable.size() == kCounterCount, "every counter needs its row");
static_assert(counter_table_is_ordered(), "rows stand in the order of the enum");

[[nodiscard]] constexpr const CounterInfo& info(Counter counter) noexcept {
  return kCounterTable[static_cast<std::size_t>(counter)];
}

/// One thread's counters. Aligned so that two blocks never share a cache line.
class alignas(64) Counters {
 public:
  Counters() = default;
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  /// HOT. Only from the thread that owns the block: load and store are separate on purpose, since
  /// fetch_add would lock the bus for a race that cannot happen.
  void add(Counter counter, std::uint64_t n = 1) noexcept {
    auto& cell = cells_.data()[static_cast<std::size_t>(counter)];  // every Counter is below its size
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  /// From any thread.
  [[nodiscard]] std::uint64_t value(Counter counter) const noexcept {
    return cells_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kCounterCount> cells_{};
};

/// Owns one block per registered thread and sums them. Thread-safe. A block outlives its thread, so that
/// no total ever goes back.
class CounterRegistry {
 public:
  /// A new block for one writing thread; valid as long as the registry.
  [[nodiscard]] Counters& register_block();

  /// The sum over all blocks. Counters of one query may be seen apart: each is read on its own.
  [[nodiscard]] std::uint64_t total(Counter counter) const;

 private:
  mutable std::mutex mutex_;
  std::deque<Counters> blocks_;
};

}  // namespace meridian::stats

#include "query/rate_limit.hpp"

#include "base/random.hpp"
#include "base/secret_bytes.hpp"
#include "dns/error_reply.hpp"
#include "dns/header.hpp"
#include "dns/query.hpp"
#include "query/answer.hpp"
#include "query/edns.hpp"
#include "query/snapshot.hpp"

#include <array>
#include <bit>

namespace meridian::query {
namespace {

using stats::Counter;

RateClass class_of(const Summary& summary) noexcept {
  switch (summary.kind) {
    case AnswerKind::Static:
    case AnswerKind::Steered:
      return summary.rcode == dns::Rcode::NoError ? RateClass::Responses : RateClass::Errors;
    case AnswerKind::NoData:
      return RateClass::NoData;
    case AnswerKind::NxDomain:
      return RateClass::NxDomain;
    case AnswerKind::Referral:
      return RateClass::Referrals;
    case AnswerKind::Dropped:
    case AnswerKind::Malformed:
    case AnswerKind::Refused:
    case AnswerKind::ServFail:
    case AnswerKind::Cookie:
      return RateClass::Errors;
  }
  return RateClass::Errors;
}

Counter counter_of(RateClass rate_class) noexcept {
  switch (rate_class) {
    case RateClass::Responses:
      return Counter::RateLimitResponses;
    case RateClass::NoData:
      return Counter::RateLimitNoData;
    case RateClass::NxDomain:
      return Counter::RateLimitNxDomain;
    case RateClass::Referrals:
      return Counter::RateLimitReferrals;
    case RateClass::Errors:
      return Counter::RateLimitErrors;
  }
  return Counter::RateLimitErrors;
}

template <typename T>
std::uint64_t place_of(const T* pointer) noexcept {
  return std::bit_cast<std::uintptr_t>(pointer);
}

/// The name behind the answer, as where it lies in the snapshot: attackers choose the names they ask for,
/// but not the wildcard or the zone these lead to. After a reload the names start anew.
std::uint64_t name_key(RateClass rate_class, const Summary& summary) noexcept {
  switch (rate_class) {
    case RateClass::Responses:
      return place_of(summary.owner.wire().data()) ^ base::mix(static_cast<std::uint64_t>(summary.type));
    case RateClass::Referrals:
      return place_of(summary.owner.wire().data());
    case RateClass::NoData:
    case RateClass::NxDomain:
      return place_of(summary.zone);
    case RateClass::Errors:
      return 0;
  }
  return 0;
}

/// Keeps 2000::/3 and 32.0.0.0/3, the same leading bits, apart.
constexpr std::uint64_t kV6Key = 0x6d65'7269'6469'616e;

std::uint64_t network_key(const RateLimits& limits, const base::IpAddress& client) noexcept {
  if (client.family == base::Family::V4)
    return client.v4_word() & ~((std::uint64_t{1} << (32 - limits.v4_bits)) - 1);
  const unsigned dropped = 64u - limits.v6_bits;
  return base::mix((client.v6_half(0) >> dropped << dropped) ^ kV6Key);
}

bool is_exempt(const RateLimits& limits, const base::IpAddress& client) noexcept {
  const auto& tree = client.family == base::Family::V4 ? limits.exempt_v4 : limits.exempt_v6;
  return tree.lookup(client).value == 1;
}

/// Counts the answer in its class and in all; both always, so that neither hides the other.
bool is_over(const RateLimits& limits, rate::RateTable& table, const Source& source, RateClass rate_class,
             const Worker& worker) noexcept {
  const std::uint64_t network = base::mix(network_key(limits, source.address));
  const auto index = static_cast<std::size_t>(rate_class);
  const std::uint64_t key = base::mix(network + index + 1) + name_key(rate_class, worker.summary);
  const bool over_class = table.take(key, limits.classes[index], worker.now.monotonic_ms);
  const bool over_all = table.take(network, limits.all, worker.now.monotonic_ms);
  return over_class || over_all;
}

}  // namespace

std::shared_ptr<rate::RateTable> rate_table_for(const RateLimits& limits,
                                                const std::shared_ptr<rate::RateTable>& current) {
  if (!limits.enabled) return nullptr;
  if (current && current->requested_entries() == limits.entries) return current;
  std::array<std::uint8_t, sizeof(std::uint64_t)> seed;
  base::fill_secret(seed);
  return std::make_shared<rate::RateTable>(limits.entries, std::bit_cast<std::uint64_t>(seed));
}

std::size_t limit_rate(const Snapshot& snapshot, const Tables& tables, const Source& source,
                       std::span<const std::uint8_t> packet, std::span<std::uint8_t> reply, std::size_t size,
                       Worker& worker) noexcept {
  // TCP proves the address by its handshake, a cookie by having come back.
  if (tables.rates == nullptr || source.is_tcp || size == 0 || worker.summary.has_valid_cookie) return size;
  const auto& limits = snapshot.settings.rate_limits;
  const auto rate_class = class_of(worker.summary);
  if (!is_over(limits, *tables.rates, source, rate_class, worker)) return size;
  if (is_exempt(limits, source.address)) return size;

  worker.counters.add(counter_of(rate_class));
  if (limits.log_only) {
    worker.summary.rate = RateAction::LoggedOnly;
    return size;
  }
  if (limits.slip == 0 || worker.random.below(limits.slip) != 0) {
    worker.summary.rate = RateAction::Dropped;
    worker.counters.add(Counter::RateLimitDropped);
    return 0;
  }
  worker.summary.rate = RateAction::Slipped;
  worker.counters.add(Counter::RateLimitSlipped);
  // An error is as short as a truncated reply, and says more.
  if (rate_class == RateClass::Errors) return size;
  const auto query =
      dns::parse_query(packet);  // once more: slips are rare, and whoever answered may not have it
  if (!query) return size;
  worker.summary.is_truncated = true;
  // The question alone with TC set: a client that is no forgery asks again over TCP, or from now on brings
  // the cookie that proves its address (RFC 7873 5.2.3), while its network is still flooded in its name.
  auto edns = dns::echo_edns(query->edns);
  edns.cookie = fresh_cookie(query->edns.cookie, snapshot.settings, source, worker);
  return dns::write_truncated_reply(packet, *query, edns, reply);
}

}  // namespace meridian::query

// Everything a query needs, compiled: zones, services, pools, maps. Immutable; built by config/compile only
// and published whole.
//
// Ids index the vectors here and mean nothing in another snapshot. What changes between snapshots' lives, the
// health of endpoints, is in Tables.
#pragma once

#include "base/ids.hpp"
#include "base/ip.hpp"
#include "base/limits.hpp"
#include "geo/prefix_tree.hpp"
#include "health/health_table.hpp"
#include "query/answer_tally.hpp"
#include "query/settings.hpp"
#include "steering/spread.hpp"
#include "steering/tiers.hpp"
#include "zone/zone.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace meridian::config {
struct Check;  // only named here: what a probe does is no business of queries
}

namespace meridian::query {

struct Datacenter {
  std::string name;
  std::uint64_t key = 0;  ///< hash of the name, for draws
};

struct Endpoint {
  base::IpAddress address;
  std::uint16_t weight = 1;
};

/// The endpoints [begin, end) of one address family, with their records ready to copy: owner 0xC00C (the
/// question's name), type, class IN, TTL, RDLENGTH, address.
struct EndpointRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t records_at = 0;  ///< in Snapshot::records; (end − begin) records of one size

  [[nodiscard]] std::uint32_t count() const noexcept { return end - begin; }
};

inline constexpr std::size_t kARecordBytes = 16;
inline constexpr std::size_t kAaaaRecordBytes = 28;

/// A name that a `cname` pool answers with.
struct Target {
  std::uint64_t key = 0;       ///< hash of the name, for draws
  std::uint32_t rdata_at = 0;  ///< in Snapshot::records: its length (16 bits) and the name, lower case
  std::uint16_t weight = 1;
};

/// Addresses, or targets in [targets_begin, targets_end).
struct Pool {
  base::DatacenterId datacenter{};
  std::uint32_t total_weight = 0;
  steering::Share at_least = 0;  ///< below this share of healthy weight the pool counts as down
  EndpointRange v4;
  EndpointRange v6;
  std::uint32_t targets_begin = 0;
  std::uint32_t targets_end = 0;

  [[nodiscard]] bool is_alias() const noexcept { return targets_begin != targets_end; }
};

/// What to do when no tier has any health.
enum class OnAllDown : std::uint8_t { AnswerAnyway, NoData, ServFail, SorryPool };

struct Service {
  base::ServiceId id{};
  std::string name;
  std::uint64_t key = 0;  ///< hash of the name, for draws
  base::MapId map{};
  std::uint32_t ttl_s = 60;
  std::uint32_t ttl_min_s = 0;  ///< at most ttl_s; the shortest one while an endpoint is about to change
  std::uint8_t answer = 8;      ///< addresses in one answer at most
  bool sticky = true;
  bool use_client_subnet = true;
  OnAllDown on_all_down = OnAllDown::AnswerAnyway;
  steering::Share overprovision = steering::kFull;
  steering::Share min_capacity = 0;  ///< with less healthy it fails open; 0: never
  base::PoolId sorry_pool = base::kNoPool;
  base::PoolId fixed_pool = base::kNoPool;  ///< set for a view of one datacenter: the client does not matter
  std::vector<base::PoolId> pools;          ///< by DatacenterId; kNoPool where it does not run
};

/// In SteeringMap::resolvers_v4 and _v6: no rule for resolvers holds the address.
inline constexpr std::uint32_t kNoResolverRule = 0;

/// One map of maps.yaml, compiled: a tree per family whose leaves are TiersIds.
struct SteeringMap {
  std::string name;
  geo::PrefixTree v4{base::Family::V4, 0};
  geo::PrefixTree v6{base::Family::V6, 0};
  /// Asked first for a client that is the resolver, when there are such rules: leaves are kNoResolverRule, or
  /// a TiersId plus one. They are no scope.
  geo::PrefixTree resolvers_v4{base::Family::V4, kNoResolverRule};
  geo::PrefixTree resolvers_v6{base::Family::V6, kNoResolverRule};
  bool has_resolvers = false;
  base::TiersId unknown{};  ///< for a client nothing is known of
  /// Private space that neither a rule nor a database names; sorted. Its leaves are its neighbours' and must
  /// not be used.
  std::vector<base::IpPrefix> unnamed_private;

  [[nodiscard]] const geo::PrefixTree& tree(base::Family family) const noexcept {
    return family == base::Family::V4 ? v4 : v6;
  }
  [[nodiscard]] const geo::PrefixTree& resolver_tree(base::Family family) const noexcept {
    return family == base::Family::V4 ? resolvers_v4 : resolvers_v6;
  }
};

/// An address that a check probes, and the endpoints that its result is about, of whatever services.
struct ProbeTarget {
  std::uint32_t check = 0;  ///< in Snapshot::checks
  base::IpAddress address;
  struct Feed {
    base::EndpointId endpoint{};
    base::ServiceId service{};
    base::DatacenterId datacenter{};
    bool in_use = true;  ///< false: configured, and only a view can show it
  };
  std::vector<Feed> feeds;  ///< at least one
};

struct Snapshot {
  std::uint64_t epoch = 0;
  std::chrono::system_clock::time_point built_at;
  zone::ZoneSet zones;
  std::vector<Datacenter> datacenters;
  std::vector<Service> services;
  std::vector<Pool> pools;
  std::vector<Endpoint> endpoints;
  std::vector<Target> targets;
  std::vector<std::uint8_t> records;
  std::vector<std::shared_ptr<const config::Check>> checks;  ///< those in use; no two probe alike
  std::vector<ProbeTarget> probe_targets;                    ///< each check and address once
  std::vector<SteeringMap> maps;
  steering::TierTable tiers;
  Settings settings;

  /// A target as rdata with its length in front.
  [[nodiscard]] std::span<const std::uint8_t> target_rdata(const Target& target) const noexcept {
    const std::size_t size = std::size_t{records[target.rdata_at]} << 8 | records[target.rdata_at + 1];
    return std::span{records}.subspan(target.rdata_at, 2 + size);
  }
};

/// What changes while a snapshot serves.
struct Tables {
  /// `threads` that answer are tallied.
  explicit Tables(const Snapshot& snapshot, std::shared_ptr<rate::RateTable> rate_table = nullptr,
                  std::size_t threads = 0)
      : health(snapshot.endpoints.size(), snapshot.datacenters.size(), snapshot.services.size(),
               snapshot.pools.size()),
        rates(std::move(rate_table)) {
    for (std::size_t i = 0; i < threads; ++i)
      tallies.push_back(std::make_unique<AnswerTally>(snapshot.pools.size()));
  }

  /// nullptr: that thread is not tallied.
  [[nodiscard]] AnswerTally* tally_of(std::size_t thread) const noexcept {
    return thread < tallies.size() ? tallies[thread].get() : nullptr;
  }

  health::HealthTable health;
  std::shared_ptr<rate::RateTable> rates;             ///< nullptr: no rate limits. Goes from epoch to epoch.
  std::vector<std::unique_ptr<AnswerTally>> tallies;  ///< by thread, each written by it alone
};

/// FNV-1a with a finaliser: the same at every PoP, so that draws agree. Never on the hot path.
[[nodiscard]] std::uint64_t stable_hash(std::string_view text) noexcept;

}  // namespace meridian::query

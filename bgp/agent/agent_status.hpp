// What an agent knows and wants at one moment, for those who ask. Plain values.
#pragma once

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "bgp/agent/liveness_report.hpp"
#include "bgp/agent/server_load.hpp"
#include "bgp/link/link.hpp"
#include "bgp/policy/route_policy.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace meridian::agent {

/// What an operator asked for, of one VIP or of all. Why, by whom and until when is the wish book's business.
struct WishEntry {
  policy::WishKind kind = policy::WishKind::None;
  base::MonotonicTime since{};
  /// Of a drain: as it began. Nothing: not known, and then it ends by its time alone.
  ClientRates rates_before;
};

struct VipStatus {
  std::string name;
  base::IpAddress address;
  base::IpPrefix prefix;
  policy::Decision decision;  ///< the last one; `history.since` is that of the level
  policy::Vip presence = policy::Vip::Unknown;
  policy::Round last_round;
  std::vector<std::string> faults;  ///< of the last round; empty: all was right
  std::optional<WishEntry> wish;    ///< its own, else the one for all
  bool is_quiet = false;            ///< of a drain
  /// Of clients, that come to it; nothing: the server does not tell of its address alone.
  std::optional<double> queries_per_s;
  std::uint64_t rounds = 0;  ///< since the agent started
  std::uint64_t rounds_with_faults = 0;
  std::uint64_t level_changes = 0;
};

/// What the agent knows of `meridiand`.
struct ServerStatus {
  policy::Server state = policy::Server::Unknown;
  std::string fault;                     ///< why it is not known, or gone; empty: nothing is wrong
  std::optional<LivenessReport> report;  ///< the last one
  std::optional<double> queries_per_s;   ///< of clients, over the last seconds
  bool is_overloaded = false;
};

struct CheckStatus {
  std::string name;  ///< "file /var/lib/map.stamp", "unit chrony.service"
  bool fails = false;
  std::string fault;  ///< what the last run met; empty: all was well
};

struct BridgeStatus {
  bool is_connected = false;
  std::optional<bgp::Status> last;
  base::MonotonicTime heard_at{};  ///< when `last` came
};

struct AgentStatus {
  std::string site;
  /// It says to the bridge what it wants; before it knows, it is silent.
  bool is_decided = false;
  /// It goes on with the levels of an agent that ended seconds before.
  bool has_adopted = false;
  ServerStatus server;
  BridgeStatus bridge;
  std::vector<VipStatus> vips;
  std::vector<CheckStatus> checks;
};

}  // namespace meridian::agent

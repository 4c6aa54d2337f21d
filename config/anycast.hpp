// What the site file says of anycast: which addresses are announced to whom, and when they may go. Plain
// values.
#pragma once

#include "base/community.hpp"
#include "base/diagnostics.hpp"
#include "base/ip.hpp"
#include "config/listen_address.hpp"
#include "dns/name.hpp"
#include "dns/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace meridian::config {

/// An anycast address of this site, and the prefix that leads to it.
struct AnycastVip {
  std::string name;
  base::IpAddress address;
  base::IpPrefix prefix;
  std::uint16_t port = 53;  ///< where `listen` takes queries to it
  base::Location where;
};

/// A router that ExaBGP speaks to.
struct AnycastNeighbor {
  std::string name;
  base::IpAddress address;
  base::IpAddress local;  ///< ours, a unicast one
  std::uint32_t as = 0;
  std::uint32_t hold_s = 9;
  bool is_multihop = false;
  std::string password_file;  ///< TCP MD5 (RFC 2385); empty: none
  /// What makes this network prefer others, beside 65535:0 (RFC 8326).
  std::vector<base::Community> drain_communities;
  std::vector<base::LargeCommunity> drain_large_communities;
  base::Location where;
};

/// A question that the agent asks through each VIP.
struct AnycastQuery {
  dns::Name name;
  dns::Rtype type = dns::Rtype::A;
  std::optional<base::IpPrefix> client_subnet;
  bool expects_nxdomain = false;
  std::vector<base::IpAddress> addresses;  ///< the only right ones; empty: any
};

/// What else has to be well on this host.
struct AnycastCheck {
  enum class Kind : std::uint8_t { Command, File, Unit };
  Kind kind = Kind::Command;
  std::vector<std::string> command;  ///< the program first; no shell
  std::string file;
  std::uint32_t younger_than_s = 0;  ///< of `file`
  std::string unit;                  ///< of systemd, that is to be active
};

/// Where `meridian-agent` is to be found, and where it finds the others. Paths as the site file has them
/// until load_site_file() resolves them.
struct AnycastAgent {
  std::string control = "/run/meridian-agent/control.sock";  ///< for operators
  std::string bridge = "/run/meridian-agent/bridge.sock";    ///< for `meridian-bgp`
  std::string liveness = "/run/meridian/liveness.sock";      ///< of `meridiand`, held open by the agent
  std::string state = "/var/lib/meridian-agent";             ///< a folder
  std::optional<ListenAddress> http;                         ///< loopback, for Prometheus
  base::Location where;
};

struct Anycast {
  enum class MayWithdraw : std::uint8_t { Hard, Never };
  enum class OnOverload : std::uint8_t { Absorb, DePreference };

  std::uint32_t as = 0;
  base::IpAddress router_id;
  std::vector<AnycastVip> vips;
  std::vector<base::IpPrefix> covering;  ///< announced whatever happens
  std::vector<AnycastNeighbor> neighbors;
  MayWithdraw may_withdraw = MayWithdraw::Hard;
  OnOverload on_overload = OnOverload::Absorb;
  std::uint32_t stale_after_s = 86'400;
  std::uint32_t drain_min_s = 60;
  std::uint32_t drain_max_s = 300;
  std::uint32_t prepend = 3;  ///< how often more our AS stands in the path of a de-preferred route
  bool is_internal = false;   ///< prefixes longer than the Internet takes
  bool has_local_router = false;
  std::vector<AnycastQuery> queries;
  std::vector<AnycastCheck> checks;
  AnycastAgent agent;
};

}  // namespace meridian::config
